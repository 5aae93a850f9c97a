/* Layers of the herald, from the tables of filter.c. */
#include "herald/jail.h"

#include <linux/landlock.h>
#include <stdint.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

#include "herald/filter.h"
#include "mech/drop.h"
#include "mech/landlock.h"
#include "mech/seccomp.h"
#include "model/filter.h"

#define PROGRAM_MAX 2048
#define FILES_MAX   128
#define MEMORY_MAX  ((uint64_t)1 << 30)

static int enter_filter(struct err *e)
{
	OWN(filter_set) set = FILTER_SET_NONE;
	struct sock_filter program[PROGRAM_MAX];
	size_t n;

	herald_filter(&set, (uint32_t)getpid());
	if (filter_build(&set, program, ARRAY_SIZE(program), &n, e) < 0)
		return -1;
	if (SANITIZED) /* its runtime makes calls of its own */
		return 0;
	return seccomp_enter(program, n, SECCOMP_ALONE, e);
}

static int enter_landlock(struct err *e)
{
	const uint64_t read = LANDLOCK_ACCESS_FS_READ_FILE | LANDLOCK_ACCESS_FS_READ_DIR;
	const int abi = landlock_abi();
	/* All rights over files that this kernel knows, connect is left open, bind is not. */
	const uint64_t files = abi >= 5 ? (1 << 16) - 1 : abi >= 3 ? (1 << 15) - 1 : abi == 2 ? (1 << 14) - 1 : (1 << 13) - 1;
	int rules;

	if (abi < 1)
		return err_set(e, ERR_UNSUPPORTED, "this kernel has no Landlock: boot with lsm=landlock,...");
	rules = landlock_new(files, abi >= 4 ? 1 : 0, abi >= 6 ? 3 : 0, e);
	if (rules < 0)
		return -1;
	for (size_t i = 0; herald_readable(i); i++)
		if (landlock_add_path(rules, herald_readable(i), false, read, e) < 0)
			return -1;
	return landlock_enter(rules, e);
}

int jail_enter(struct err *e)
{
	if (prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) < 0)
		return err_sys(e, "PR_SET_DUMPABLE");
	if (drop_own_caps(0, e) < 0 || drop_new_privs(e) < 0 || drop_rlimit(RLIMIT_NOFILE, FILES_MAX, FILES_MAX, e) < 0 ||
	    (!SANITIZED && drop_rlimit(RLIMIT_AS, MEMORY_MAX, MEMORY_MAX, e) < 0) || drop_dumps(e) < 0 || drop_speculation(false, e) < 0 ||
	    enter_landlock(e) < 0)
		return -1;
	return enter_filter(e);
}
