/* The table of attempts.def as data. */
#include "probe/attempt.h"

#include <fcntl.h>
#include <netinet/in.h>
#include <sched.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/statvfs.h>
#include <sys/syscall.h>

#include "model/layer.h"

#define L(layer) LAYER_BIT(LAYER_##layer)

/* Sets of layers that stand together before a whole family of operations. */
#define NOTHING UINT64_C(0)
#define NS      (L(CAPS) | L(SECCOMP) | L(FLOOR) | L(NESTED))
#define ADMIN   (L(CAPS) | L(SECCOMP) | L(FLOOR))
#define VIEW    (L(MOUNTNS) | L(ROOTFS))
#define TREE    (L(MOUNTNS) | L(ROOTFS) | L(LANDLOCK))
#define RDONLY  (L(ROOTFS) | L(LANDLOCK) | L(IDENTITY))
#define DEVICE  (L(MOUNTNS) | L(ROOTFS) | L(LANDLOCK) | L(IDENTITY) | L(USERNS))
#define KERNEL  (L(MOUNTNS) | L(PROC) | L(LANDLOCK) | L(IDENTITY) | L(USERNS))
#define CGROUP  (L(CG_MEMORY) | L(CG_PIDS) | L(CG_CPU))

#define CLAIM_CONTROL     0
#define CALL(number, ...) .call = { .has = true, .nr = (number), .args = { __VA_ARGS__ } }

/* C would drop the end of a text that fills its array: with one written out the compiler complains. */
static const struct attempt_row rows[] = {
#define ATTEMPT(function, name, family, claim, text, ...)                                          \
	{ .id = name "\0",                                                                         \
	  .what = text "\0",                                                                       \
	  .group = GROUP_##family,                                                                 \
	  .claims = CLAIM_##claim,                                                                 \
	  __VA_ARGS__ },
#include "probe/attempts.def"
#undef ATTEMPT
#define GUEST(name, family, claim, steps, text, ...)                                               \
	{ .id = name "\0",                                                                         \
	  .what = text "\0",                                                                       \
	  .group = GROUP_##family,                                                                 \
	  .claims = CLAIM_##claim,                                                                 \
	  __VA_ARGS__ },
#include "probe/guest.def"
#undef GUEST
};

static const struct {
	const char *name, *title;
} groups[GROUPS] = {
	[GROUP_SYSCALLS] = { "syscalls", "system calls" },
	[GROUP_PRIVILEGE] = { "privilege", "privilege" },
	[GROUP_FILES] = { "files", "files and devices" },
	[GROUP_PROC] = { "proc", "/proc and /sys" },
	[GROUP_DESCRIPTORS] = { "descriptors", "descriptors and terminal" },
	[GROUP_NETWORK] = { "network", "network" },
	[GROUP_IPC] = { "ipc", "other processes" },
	[GROUP_RESOURCES] = { "resources", "resources" },
	[GROUP_LIFECYCLE] = { "lifecycle", "lifecycle" },
	[GROUP_CONTROLS] = { "controls", "controls" },
	[GROUP_JS] = { "js", "a script, with what the engine gives it" },
	[GROUP_WASM] = { "wasm", "a WebAssembly module, with the calls it is given" },
};

size_t attempt_count(void)
{
	return sizeof(rows) / sizeof(rows[0]);
}

const struct attempt_row *attempt_at(size_t i)
{
	return i < attempt_count() ? &rows[i] : NULL;
}

const struct attempt_row *attempt_find(const char *id)
{
	for (size_t i = 0; i < attempt_count(); i++)
		if (!strcmp(rows[i].id, id))
			return &rows[i];
	return NULL;
}

size_t attempt_index(const struct attempt_row *row)
{
	return (size_t)(row - rows);
}

const char *attempt_group_name(enum attempt_group group)
{
	return group < GROUPS ? groups[group].name : NULL;
}

const char *attempt_group_title(enum attempt_group group)
{
	return group < GROUPS ? groups[group].title : NULL;
}

bool attempt_is_native(const struct attempt_row *row)
{
	return row->group < GROUP_WASM;
}

bool attempt_is_control(const struct attempt_row *row)
{
	return !row->claims;
}

const char *outcome_name(enum outcome_kind kind)
{
	static const char *const names[OUTCOMES] = { "unknown", "refused", "allowed", "killed",
						     "skipped" };

	return kind < OUTCOMES ? names[kind] : names[OUTCOME_NONE];
}
