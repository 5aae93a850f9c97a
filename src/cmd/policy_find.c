/* Looks policies up and reads their files. Refuses devices, pipes and anything over a mebibyte. */
#include "cmd/policy_find.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/str.h"

#define FILE_BYTES ((size_t)1 << 20)

static bool ends_with(const char *text, const char *end)
{
	const size_t len = strlen(text), end_len = strlen(end);

	return len > end_len && strcmp(text + len - end_len, end) == 0;
}

static bool is_path(const char *name)
{
	return strchr(name, '/') || ends_with(name, ".yaml") || ends_with(name, ".yml") ||
	       ends_with(name, ".json");
}

bool policy_find_is_builtin(const char *name)
{
	size_t len;

	return policy_builtin(name, &len) != NULL;
}

/* `read: host` and `read: image` are placed at / and are no paths. */
static bool is_relative(const struct grant *grant)
{
	return grant->what && *grant->what != '/' && strcmp(grant->as, "/") != 0;
}

static const char *join(struct policy *policy, const char *directory, const char *path)
{
	while (strncmp(path, "./", 2) == 0)
		path += 2 + strspn(path + 2, "/");
	return arena_printf(&policy->arena, "%s/%s", directory[1] ? directory : "", path);
}

/* The directory of a policy file under the name that has no links. Who can change links on the way
 * to it can change the policy, so there is nobody to distrust. */
static int real_directory(const char *directory, struct arena *arena, const char **out,
			  struct err *e)
{
	OWN_FD int fd = open(directory, O_PATH | O_DIRECTORY | O_CLOEXEC);
	char link[32], real[PATH_MAX];
	ssize_t len;

	snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
	len = fd < 0 ? -1 : readlink(link, real, sizeof(real) - 1);
	if (len <= 0 || *real != '/')
		return policy_find_path(directory, arena, out, e);
	*out = arena_copy(arena, real, (size_t)len);
	return 0;
}

/* What a policy file calls "./data" lies beside it. */
static int resolve(struct policy *policy, const char *directory, struct err *e)
{
	struct policy_value *const image = &policy->values[KEY_IMAGE];
	const bool has_image = image->text && *image->text != '/' && strchr(image->text, '/');
	size_t i = 0;

	while (i < policy->n_grants && !is_relative(&policy->grants[i]))
		i++;
	if (i == policy->n_grants && !has_image)
		return 0;
	if (real_directory(directory, &policy->arena, &directory, e) < 0)
		return -1;
	if (has_image)
		image->text = join(policy, directory, image->text);
	for (; i < policy->n_grants; i++)
		if (is_relative(&policy->grants[i]))
			policy->grants[i].what = join(policy, directory, policy->grants[i].what);
	return 0;
}

int policy_find_text(const char *path, const char *text, size_t len, struct policy *out, struct err *e)
{
	const bool is_file = strcmp(path, "-") != 0;
	const char *const name = is_file ? path : "standard input", *const slash = strrchr(path, '/');
	OWN(policy) policy = POLICY_NONE;
	char directory[PATH_MAX] = ".";

	if (policy_read(name, text, len, &policy, e) < 0)
		return -1;
	if (slash)
		snprintf(directory, sizeof(directory), "%.*s",
			 slash == path ? 1 : (int)(slash - path), path);
	if (resolve(&policy, directory, e) < 0)
		return err_add(e, "%.200s", name);
	*out = TAKE(policy, POLICY_NONE);
	return 0;
}

int policy_find_bytes(const char *path, size_t max, char **text, size_t *len, struct err *e)
{
	/* O_NONBLOCK: a FIFO would make us wait for its writer before fstat can refuse it. */
	OWN_FD int fd = strcmp(path, "-") == 0 ? -1 :
			open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	struct stat st;

	if (strcmp(path, "-") == 0)
		return fd_read_file(STDIN_FILENO, "standard input", max, text, len, e);
	if (fd < 0 && errno == ENOENT)
		return err_set(e, ERR_MISSING, "%.200s: no such file", path);
	if (fd < 0 || fstat(fd, &st) < 0)
		return err_sys(e, "%.200s", path);
	if (!S_ISREG(st.st_mode))
		return err_set(e, ERR_USAGE,
			       "%.200s: not a regular file; pass it as '-' on standard input",
			       path);
	return fd_read_file(fd, path, max, text, len, e);
}

static int read_file(const char *path, struct policy *out, struct err *e)
{
	OWN_MEM char *text = NULL;
	size_t len;

	if (policy_find_bytes(path, FILE_BYTES, &text, &len, e) < 0)
		return -1;
	return policy_find_text(path, text, len, out, e);
}

static int refuse_name(const char *name, struct err *e)
{
	struct str_near near = STR_NEAR(name);

	for (size_t i = 0; policy_builtin_at(i); i++)
		str_near_offer(&near, policy_builtin_at(i));
	if (str_near_best(&near))
		return err_set(e, ERR_MISSING, "no policy is named '%.60s' (did you mean '%s'?)",
			       name, str_near_best(&near));
	return err_set(e, ERR_MISSING,
		       "no policy is named '%.60s': it is not built in, nor in "
		       "~/.config/ward or /etc/ward; a file is given by its path, such as "
		       "./%.60s.yaml",
		       name, name);
}

/* A relative XDG_CONFIG_HOME is void: XDG Base Directory Specification. So is such a HOME here. */
static int read_configured(const char *name, struct policy *out, struct err *e)
{
	const char *const xdg = getenv("XDG_CONFIG_HOME"), *const home = getenv("HOME");
	char paths[2][PATH_MAX];

	*paths[0] = '\0';
	if (xdg && *xdg == '/')
		snprintf(paths[0], sizeof(paths[0]), "%s/ward/%s.yaml", xdg, name);
	else if (home && *home == '/')
		snprintf(paths[0], sizeof(paths[0]), "%s/.config/ward/%s.yaml", home, name);
	snprintf(paths[1], sizeof(paths[1]), "/etc/ward/%s.yaml", name);
	for (size_t i = 0; i < ARRAY_SIZE(paths); i++)
		if (*paths[i] && (access(paths[i], F_OK) == 0 || errno != ENOENT))
			return read_file(paths[i], out, e);
	return refuse_name(name, e);
}

int policy_find(const char *name, struct policy *out, const char **source, struct err *e)
{
	const bool builtin = policy_find_is_builtin(name);
	int rc;

	if (builtin)
		rc = policy_read_builtin(name, out, e);
	else if (strcmp(name, "-") == 0 || is_path(name))
		rc = read_file(name, out, e);
	else
		rc = *name ? read_configured(name, out, e) :
			err_set(e, ERR_USAGE, "the policy has no name");
	if (rc < 0)
		return -1;
	*source = builtin ? arena_printf(&out->arena, "%s (built in)", name) :
			 arena_copy(&out->arena, name, strlen(name));
	return 0;
}

int policy_find_path(const char *path, struct arena *arena, const char **out, struct err *e)
{
	char cwd[PATH_MAX];
	size_t len;

	if (*path == '/') {
		*out = path;
		return 0;
	}
	if (!getcwd(cwd, sizeof(cwd)) || *cwd != '/')
		return err_sys(e, "%.100s is relative, and the current directory has no name",
			       path);
	for (;;) {
		const size_t dots = strspn(path, ".");

		if (!dots || dots > 2 || (path[dots] && path[dots] != '/'))
			break;
		if (dots == 2)
			*strrchr(cwd, '/') = '\0';
		if (!*cwd)
			strcpy(cwd, "/");
		path += dots + strspn(path + dots, "/");
	}
	len = strlen(path);
	while (len > 1 && path[len - 1] == '/')
		len--;
	*out = !*path ? arena_copy(arena, cwd, strlen(cwd)) :
			arena_printf(arena, "%s/%.*s", cwd[1] ? cwd : "", (int)len, path);
	return 0;
}
