/* Landlock system calls. The headers of older distributions lack ports and scopes: the layouts are
 * those of linux/landlock.h, to which the kernel only ever appends. */
#include "mech/landlock.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#define CREATE_RULESET_VERSION 1u
#define RULE_PATH 1
#define RULE_PORT 2
/* EXECUTE, WRITE_FILE, READ_FILE, TRUNCATE, IOCTL_DEV: the rights that a file by itself can have. */
#define FILE_ONLY 0xc007u

struct ruleset_attr {
	uint64_t file_rights, port_rights, scopes;
};
struct path_rule {
	uint64_t rights;
	int32_t parent_fd;
} __attribute__((packed));
struct port_rule {
	uint64_t rights, port;
};

int landlock_abi(void)
{
	const long abi = syscall(SYS_landlock_create_ruleset, NULL, 0, CREATE_RULESET_VERSION);

	return abi < 0 ? 0 : (int)abi;
}

int landlock_new(uint64_t file_rights, uint64_t port_rights, uint64_t scopes, struct err *e)
{
	const struct ruleset_attr attr = { file_rights, port_rights, scopes };
	/* An older kernel refuses a longer struct unless its unknown end is zero. */
	const int fd = (int)syscall(SYS_landlock_create_ruleset, &attr, sizeof(attr), 0);

	return fd < 0 ? err_sys(e, "landlock_create_ruleset") : fd;
}

int landlock_add_path(int rules_fd, const char *path, bool exact, uint64_t rights, struct err *e)
{
	const uint64_t no_links = RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS;
	const struct open_how how = { .flags = O_PATH | O_CLOEXEC, .resolve = exact ? no_links : 0 };
	const int fd = (int)syscall(SYS_openat2, AT_FDCWD, path, &how, sizeof(how));
	struct path_rule rule = { .rights = rights, .parent_fd = fd };
	struct stat st;
	int status = 0;

	if (fd < 0)
		return errno == ENOENT || errno == EACCES ? 0 : err_sys(e, "landlock: open %s", path);
	if (fstat(fd, &st) < 0) {
		close(fd);
		return err_sys(e, "landlock: look at %s", path);
	}
	if (!S_ISDIR(st.st_mode))
		rule.rights &= FILE_ONLY;
	if (rule.rights && syscall(SYS_landlock_add_rule, rules_fd, RULE_PATH, &rule, 0) < 0)
		status = err_sys(e, "landlock_add_rule for %s", path);
	close(fd);
	return status;
}

int landlock_add_port(int rules_fd, uint16_t port, uint64_t rights, struct err *e)
{
	const struct port_rule rule = { rights, port };

	if (syscall(SYS_landlock_add_rule, rules_fd, RULE_PORT, &rule, 0) < 0)
		return err_sys(e, "landlock_add_rule for port %u", port);
	return 0;
}

int landlock_enter(int rules_fd, struct err *e)
{
	const long status = syscall(SYS_landlock_restrict_self, rules_fd, 0);

	if (status < 0)
		err_sys(e, "landlock_restrict_self");
	close(rules_fd);
	return status < 0 ? -1 : 0;
}
