/* Why a path or an address is allowed or refused, by the plan that would be walked. Refuses to speak of
 * what lies outside the plan: links and permissions of the host's files. */
#include <arpa/inet.h>
#include <linux/audit.h>
#include <linux/landlock.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>

#include "judge/eval.h"
#include "judge/why.h"
#include "model/policy_grant.h"

#define PATH 4096
/* Debian 12's headers end before ABI 4. */
#define CONNECT_TCP (1u << 1)
#define BIND_TCP (1u << 0)
#define LINKS 16        /* the plan has a handful, none to another */

static const struct {
	const char *letter, *word;
	uint64_t right;         /* of Landlock */
} accesses[WHY_ACCESSES] = {
	[WHY_READ] = { "r", "read", LANDLOCK_ACCESS_FS_READ_FILE },
	[WHY_WRITE] = { "w", "write", LANDLOCK_ACCESS_FS_WRITE_FILE },
	[WHY_EXEC] = { "x", "exec", LANDLOCK_ACCESS_FS_EXECUTE },
	[WHY_LIST] = { "l", "list", LANDLOCK_ACCESS_FS_READ_DIR },
	[WHY_CREATE] = { "c", "create", LANDLOCK_ACCESS_FS_MAKE_REG },
};

enum why_access why_access_find(const char *word)
{
	unsigned i = 0;

	while (i < WHY_ACCESSES && strcmp(word, accesses[i].letter) != 0 && strcmp(word, accesses[i].word) != 0)
		i++;
	return (enum why_access)i;
}

/* Appends the parts of `text` to a normal absolute path, in place; false: too long. */
static bool walk(char *path, const char *text)
{
	size_t len = strlen(path);

	while (*text) {
		const size_t n = strcspn(text, "/");

		if (n == 2 && text[0] == '.' && text[1] == '.') {
			while (len && path[--len] != '/')
				;
			path[len] = '\0';
		} else if (n && !(n == 1 && text[0] == '.')) {
			if (len + n + 2 > PATH)
				return false;
			path[len++] = '/';
			memcpy(path + len, text, n);
			path[len += n] = '\0';
		}
		text += n + (text[n] == '/');
	}
	return true;
}

/* Puts the target of the plan's link in place of the beginning of *path. */
static bool follow(char *path, const struct plan *plan, const struct step *link)
{
	const char *const from = plan_string(plan, link->s), *const to = plan_string(plan, link->t);
	char out[PATH] = "";

	if (*to != '/' && !walk(out, from))
		return false;
	if ((*to != '/' && !walk(out, "..")) || !walk(out, to) || !walk(out, path + strlen(from)))
		return false;
	strcpy(path, out);
	return true;
}

static bool resolve(const struct plan *plan, char *path)
{
	for (unsigned links = 0; links < LINKS; links++) {
		size_t i = 0;

		while (i < plan->n_steps && !(plan->steps[i].op == OP_SYMLINK &&
					      policy_path_is_in(path, plan_string(plan, plan->steps[i].s))))
			i++;
		if (i == plan->n_steps)
			return true;
		if (!follow(path, plan, &plan->steps[i]))
			return false;
	}
	return false;
}

/* The step that puts something at a path. */
static bool places(const struct step *step)
{
	return step->op == OP_BIND || step->op == OP_TMPFS || step->op == OP_PROC || step->op == OP_DEVPTS ||
	       step->op == OP_FILE || step->op == OP_DIR;
}

/* The innermost that holds the path; NULL: only the root itself. *is_above: the path is on the way to
 * something, so it is there as a directory. */
static const struct step *mount_of(const struct plan *plan, const char *path, bool *is_above)
{
	const struct step *best = NULL;
	size_t most = 0;

	*is_above = strcmp(path, "/") == 0;
	for (size_t i = 0; i < plan->n_steps; i++) {
		const struct step *const step = &plan->steps[i];
		const char *const at = plan_string(plan, step->s);

		if (!places(step))
			continue;
		if (policy_path_is_in(at, path))
			*is_above = true;
		/* A later step at the same place covers the earlier one. */
		if (policy_path_is_in(path, at) && strlen(at) >= most) {
			best = step;
			most = strlen(at);
		}
	}
	return best;
}

static bool has_step(const struct plan *plan, enum plan_op op)
{
	for (size_t i = 0; i < plan->n_steps; i++)
		if (plan->steps[i].op == op)
			return true;
	return false;
}

static const char *origin_text(struct why *why, const struct origin *from)
{
	if (!from->source)
		return NULL;
	if (!from->line)
		return from->source;
	return arena_printf(&why->arena, "%s:%u", from->source, from->line);
}

/* The line of the innermost grant that holds the path. */
static const char *grant_of(struct why *why, const struct policy *policy, const char *path)
{
	const struct grant *best = NULL;

	for (size_t i = 0; policy && i < policy->n_grants; i++) {
		const struct grant *const grant = &policy->grants[i];

		if (grant->as && policy_path_is_in(path, grant->as) &&
		    (!best || strlen(grant->as) >= strlen(best->as)))
			best = grant;
	}
	return best ? origin_text(why, &best->origin) : NULL;
}

static bool changes(enum why_access access)
{
	return access == WHY_WRITE || access == WHY_CREATE;
}

static void check_mounts(const struct plan *plan, const struct policy *policy, const char *path,
			 enum why_access access, struct why *out)
{
	const char *const layer = layer_name(LAYER_MOUNTNS);
	const char *const from = grant_of(out, policy, path);
	bool is_above;
	const struct step *const step = mount_of(plan, path, &is_above);
	const char *at;

	if (!step && !is_above) {
		why_add_check(out, layer, true, NULL, "does not exist inside: no grant holds it");
		return;
	}
	at = step ? plan_string(plan, step->s) : "/";
	if (!step || step->op == OP_DIR || step->op == OP_FILE) {
		if (step && step->op == OP_DIR && !is_above)
			why_add_check(out, layer, true, NULL, "does not exist inside %s", at);
		else if (changes(access))
			why_add_check(out, layer_name(LAYER_ROOTFS), true, NULL, "the root is read-only");
		else
			why_add_check(out, layer, false, from, "made by ward for the box");
		return;
	}
	if (changes(access) && step->op == OP_BIND && step->flags & BIND_RDONLY)
		why_add_check(out, layer, true, from, "%s is mounted read-only", at);
	else if (access == WHY_EXEC && (step->op == OP_BIND || step->op == OP_TMPFS) && step->flags & BIND_NOEXEC)
		why_add_check(out, layer, true, from, "%s is mounted noexec", at);
	else if (step->op == OP_BIND)
		why_add_check(out, layer, false, from, "%s, the host's %s", at, plan_string(plan, step->t));
	else
		why_add_check(out, layer, false, from, "%s, the box's own %s", at, plan_op_row((enum plan_op)step->op)->name);
}

static void check_landlock(const struct plan *plan, const struct policy *policy, const char *path,
			   enum why_access access, struct why *out)
{
	const char *const layer = layer_name(LAYER_LANDLOCK);
	const uint64_t right = accesses[access].right;
	uint64_t handled = 0, granted = 0;
	const char *by = "";

	for (size_t i = 0; i < plan->n_steps; i++) {
		const struct step *const step = &plan->steps[i];
		const char *const at = plan_string(plan, step->s);

		if (step->op == OP_LANDLOCK)
			handled |= step->n;
		if (step->op != OP_LANDLOCK_PATH || !policy_path_is_in(path, at))
			continue;
		granted |= step->n;
		if (step->n & right)
			by = at;
	}
	if (!(handled & right))
		why_add_check(out, layer, false, NULL, "does not judge this");
	else if (granted & right)
		why_add_check(out, layer, false, grant_of(out, policy, path), "allowed beneath %s", by);
	else
		why_add_check(out, layer, true, NULL, "no rule allows to %s here", accesses[access].word);
}

static void conclude(struct why *out)
{
	const char *by = NULL;

	for (size_t i = 0; i < out->n_checks; i++)
		if (out->checks[i].refuses && !by)
			by = out->checks[i].layer;
	out->is_refused = by;
	out->answer = by ? arena_printf(&out->arena, "refused by %s", by) : "allowed";
}

int why_path(const struct plan *plan, const struct policy *policy, const char *path,
	     enum why_access access, struct why *out, struct err *e)
{
	char normal[PATH] = "";

	if (*path != '/')
		return err_set(e, ERR_USAGE, "'%.80s' is no absolute path: say it as the program would see it", path);
	if (!walk(normal, path) || !resolve(plan, normal))
		return err_set(e, ERR_USAGE, "'%.80s...' is too long for a path", path);
	if (!*normal)
		strcpy(normal, "/");
	out->question = arena_printf(&out->arena, "%s %s", accesses[access].word, normal);
	if (has_step(plan, OP_ROOT))
		check_mounts(plan, policy, normal, access, out);
	check_landlock(plan, policy, normal, access, out);
	conclude(out);
	return 0;
}

/* ---- addresses ---- */

struct address {
	char host[256];
	uint16_t port;
	int family;             /* AF_INET also for a name: it is resolved outside */
	bool is_loopback;
};

static int read_address(const char *text, struct address *out, struct err *e)
{
	const char *const colon = strrchr(text, ':');
	const bool has_brackets = *text == '[';
	size_t len;
	char *end;
	unsigned long port;
	struct in6_addr six;

	if (!colon || colon == text)
		return err_set(e, ERR_USAGE, "'%.80s' is no address: HOST:PORT or [HOST]:PORT", text);
	port = strtoul(colon + 1, &end, 10);
	if (!colon[1] || *end || port > UINT16_MAX)
		return err_set(e, ERR_USAGE, "'%.80s': a port is a number from 0 to 65535", text);
	len = (size_t)(colon - text) - (has_brackets ? 2 : 0);
	if (len >= sizeof(out->host) || (has_brackets && colon[-1] != ']'))
		return err_set(e, ERR_USAGE, "'%.80s' is no address: HOST:PORT or [HOST]:PORT", text);
	memcpy(out->host, text + has_brackets, len);
	out->host[len] = '\0';
	out->port = (uint16_t)port;
	out->family = inet_pton(AF_INET6, out->host, &six) == 1 ? AF_INET6 : AF_INET;
	out->is_loopback = strncmp(out->host, "127.", 4) == 0 || strcmp(out->host, "::1") == 0 ||
			   strcmp(out->host, "localhost") == 0;
	return 0;
}

/* A stream socket of the address's family must be possible to begin with. */
static int check_socket(struct regions *store, const struct subject *subject, const struct address *to,
			struct why *out, struct err *e)
{
	const struct seccomp_data point = { .nr = SYS_socket, .arch = AUDIT_ARCH_X86_64,
					    .args = { (uint64_t)to->family, SOCK_STREAM, 0 } };
	struct answers all = ANSWERS_NONE;
	uint16_t data = 0;
	enum answer answer;

	if (eval_subject(store, subject, &all, e) < 0)
		return -1;
	answer = eval_at(store, &all, &point, &data);
	why_add_check(out, layer_name(LAYER_SECCOMP), answer < ANSWER_LOG, NULL, "socket(%s, SOCK_STREAM, 0): %s",
		      to->family == AF_INET6 ? "AF_INET6" : "AF_INET", answer_name(answer));
	return 0;
}

static void check_ports(const struct plan *plan, const struct address *to, bool bind, struct why *out)
{
	const uint64_t right = bind ? BIND_TCP : CONNECT_TCP;
	uint64_t handled = 0, granted = 0;

	for (size_t i = 0; i < plan->n_steps; i++) {
		const struct step *const step = &plan->steps[i];

		if (step->op == OP_LANDLOCK)
			handled |= step->m;
		if (step->op == OP_LANDLOCK_PORT && step->n == to->port)
			granted |= step->m;
	}
	if (!(handled & right))
		why_add_check(out, layer_name(LAYER_LANDLOCK), false, NULL, "does not judge ports here");
	else
		why_add_check(out, layer_name(LAYER_LANDLOCK), !(granted & right), NULL, "TCP port %u is %s", to->port,
			      granted & right ? "listed" : "not listed");
}

int why_host(struct regions *store, const struct subject *subject, const struct plan *plan,
	     const char *address, bool bind, struct why *out, struct err *e)
{
	struct address to = { .port = 0 };

	if (read_address(address, &to, e) < 0 || check_socket(store, subject, &to, out, e) < 0)
		return -1;
	out->question = arena_printf(&out->arena, "%s %s port %u", bind ? "listen on" : "connect to", to.host, to.port);
	check_ports(plan, &to, bind, out);
	if (!(plan_layers(plan) & LAYER_BIT(LAYER_NETNS)))
		why_add_check(out, layer_name(LAYER_NETNS), false, NULL, "the host's interfaces are the box's");
	else if (to.is_loopback || bind)
		why_add_check(out, layer_name(LAYER_NETNS), false, NULL, "reaches the box's own loopback, nobody outside");
	else
		why_add_check(out, layer_name(LAYER_NETNS), true, NULL, "no interface leads there");
	conclude(out);
	return 0;
}
