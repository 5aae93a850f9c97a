/* A table and a line reader; no allocation. */
#include "monitor/ceiling.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/mem.h"

enum kind { BYTES, NUMBER, YES };

static const struct {
	const char *key;
	enum kind kind;
	size_t at;
} keys[] = {
	{ "memory_max", BYTES, offsetof(struct ceiling, memory_max) },
	{ "swap_max", BYTES, offsetof(struct ceiling, swap_max) },
	{ "io_max", BYTES, offsetof(struct ceiling, io_max) },
	{ "pids_max", NUMBER, offsetof(struct ceiling, pids_max) },
	{ "cpus_max", NUMBER, offsetof(struct ceiling, cpus_max) },
	{ "boxes_max", NUMBER, offsetof(struct ceiling, boxes_max) },
	{ "boxes_per_user", NUMBER, offsetof(struct ceiling, boxes_per_user) },
	{ "cgroup_required", YES, offsetof(struct ceiling, cgroup_required) },
	{ "layers_required", YES, offsetof(struct ceiling, layers_required) },
};

static int read_number(const char *text, enum kind kind, uint64_t *out)
{
	static const char units[] = "KMGT";
	const char *unit;
	char *after;
	uint64_t n;

	errno = 0;
	n = strtoull(text, &after, 10);
	if (errno || *text < '0' || *text > '9')
		return -1;
	unit = *after && kind == BYTES ? strchr(units, *after) : NULL;
	if (unit) {
		if (__builtin_mul_overflow(n, UINT64_C(1) << (10 * (unit - units + 1)), &n))
			return -1;
		after++;
	}
	if (*after)
		return -1;
	*out = n;
	return 0;
}

static int set_value(struct ceiling *ceiling, size_t key, const char *value)
{
	void *const at = (char *)ceiling + keys[key].at;
	uint64_t n;

	if (keys[key].kind == YES) {
		if (strcmp(value, "yes") != 0 && strcmp(value, "no") != 0)
			return -1;
		*(bool *)at = *value == 'y';
		return 0;
	}
	if (read_number(value, keys[key].kind, &n) < 0)
		return -1;
	*(uint64_t *)at = n;
	return 0;
}

/* Splits "key = value # comment" in place. Returns 0 for an empty line. */
static int split(char *line, char **key, char **value)
{
	char *save = NULL;
	const char *equals;

	line[strcspn(line, "#")] = '\0';
	*key = strtok_r(line, " \t", &save);
	if (!*key)
		return 0;
	equals = strtok_r(NULL, " \t", &save);
	*value = strtok_r(NULL, " \t", &save);
	return equals && strcmp(equals, "=") == 0 && *value && !strtok_r(NULL, " \t", &save) ? 1 : -1;
}

static int read_line(const char *path, unsigned number, char *line, struct ceiling *ceiling, struct err *e)
{
	char *key, *value;
	const int status = split(line, &key, &value);

	if (status < 0)
		return err_set(e, ERR_USAGE, "%s:%u: expected 'key = value'", path, number);
	for (size_t i = 0; status && i < ARRAY_SIZE(keys); i++) {
		if (strcmp(keys[i].key, key) != 0)
			continue;
		if (set_value(ceiling, i, value) < 0)
			return err_set(e, ERR_USAGE, "%s:%u: '%s' is no value for %s", path, number, value, key);
		return 0;
	}
	return status ? err_set(e, ERR_USAGE, "%s:%u: unknown key '%s'", path, number, key) : 0;
}

static int read_text(const char *path, char *text, size_t cap, struct err *e)
{
	const int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	struct stat st;
	ssize_t got;

	if (fd < 0)
		return err_sys(e, "open %s", path);
	if (fstat(fd, &st) < 0 || !S_ISREG(st.st_mode) || st.st_uid != 0 || (st.st_mode & 022)) {
		close(fd);
		return err_set(e, ERR_DENIED, "%s must be a file that only root can write", path);
	}
	got = read(fd, text, cap);
	close(fd);
	if (got < 0)
		return err_sys(e, "read %s", path);
	if ((size_t)got == cap)
		return err_set(e, ERR_LIMIT, "%s is longer than %zu bytes", path, cap - 1);
	text[got] = '\0';
	/* What lies behind a NUL would be limits that root believes to be set. */
	if (strlen(text) != (size_t)got)
		return err_set(e, ERR_USAGE, "%s is not a text", path);
	return 0;
}

int ceiling_read(const char *path, struct ceiling *out, struct err *e)
{
	struct ceiling ceiling = ceiling_default;
	char text[4096], *line = text;

	ceiling.layers_required = ceiling.cgroup_required = true;
	if (path && read_text(path, text, sizeof(text), e) < 0)
		return -1;
	for (unsigned number = 1; path && line; number++) {
		char *end = strchr(line, '\n');

		if (end)
			*end++ = '\0';
		if (read_line(path, number, line, &ceiling, e) < 0)
			return -1;
		line = end;
	}
	*out = ceiling;
	return 0;
}
