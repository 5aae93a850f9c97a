/* What remains of a process that runs plug-ins: memory, a timer, and one socket. Every path is closed, and so is
 * every descriptor but that socket and standard error. */
#include "v8/plugin.h"

#include <signal.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/mem.h"
#include "mech/confine.h"
#include "mech/drop.h"
#include "mech/landlock.h"
#include "plugin/serve.h"

static const uint16_t calls[] = {
#define ENGINE(name) SYS_##name,
#define WASI(name)
#include "model/engine_calls.def"
#undef ENGINE
#undef WASI
	/* serve.c and wire.c; the last only where chance is granted */
	SYS_read, SYS_sendmsg, SYS_setitimer, SYS_write, SYS_clock_gettime, SYS_getrandom,
};

/* Landlock of its first version, linux/landlock.h: all it knows, and none of it granted. Where the kernel has none
 * the box stands alone. */
static int close_paths(struct err *e)
{
	OWN_FD int rules = -1;

	if (!landlock_abi())
		return 0;
	rules = landlock_new(UINT64_C(0x1fff), 0, 0, e);
	return rules < 0 ? -1 : landlock_enter(TAKE_FD(rules), e);
}

static int seal(bool random, struct err *e)
{
	if (drop_new_privs(e) < 0 || close_paths(e) < 0)
		return -1;
	return confine_calls(calls, ARRAY_SIZE(calls) - !random, e);
}

int plugin_run(int fd, struct err *e)
{
	return serve_calls(fd, seal, e);
}
