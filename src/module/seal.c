/* The engine's own filter and Landlock domain, inside those of the box. Refuses no call by its arguments: what is
 * in them is the box's business. */
#include "module/seal.h"

#include <sys/syscall.h>

#include "base/fd.h"
#include "mech/confine.h"
#include "mech/drop.h"
#include "mech/landlock.h"
#include "module/job.h"

static const uint16_t calls[] = {
#define ENGINE(name) SYS_##name,
#define WASI(name) SYS_##name,
#include "model/engine_calls.def"
#undef ENGINE
#undef WASI
};

/* Landlock rights, linux/landlock.h: to read files and directories; to change them, but for devices, pipes and
 * sockets, and never to execute. */
#define READS (UINT64_C(1) << 2 | UINT64_C(1) << 3)
#define WRITES (READS | UINT64_C(1) << 1 | UINT64_C(0x1b0) | UINT64_C(1) << 12 | UINT64_C(1) << 13 | UINT64_C(1) << 14)

uint64_t seal_rights(bool writes)
{
	return writes ? WRITES : READS;
}

/* What this ABI of Landlock knows: ABI 2 added REFER, ABI 3 TRUNCATE. */
static uint64_t known_rights(int abi)
{
	return UINT64_C(0x1fff) | (abi >= 2 ? UINT64_C(1) << 13 : 0) | (abi >= 3 ? UINT64_C(1) << 14 : 0);
}

/* openat2(2) has its flags in memory, where no filter sees them: so that it can open only what was granted, and no
 * longer the engine's libraries. Where the kernel has no Landlock the box's mounts stand alone. */
static int close_paths(const struct wasm_preopen *preopens, size_t n, struct err *e)
{
	const int abi = landlock_abi();
	const uint64_t known = known_rights(abi);
	OWN_FD int rules = -1;

	if (!abi)
		return 0;
	rules = landlock_new(known, 0, 0, e);
	if (rules < 0)
		return -1;
	for (size_t i = 0; i < n; i++)
		if (landlock_add_path(rules, preopens[i].path, true, seal_rights(preopens[i].writes) & known, e) < 0)
			return -1;
	return landlock_enter(TAKE_FD(rules), e);
}

int seal_enter(const struct wasm_preopen *preopens, size_t n, struct err *e)
{
	if (drop_new_privs(e) < 0 || close_paths(preopens, n, e) < 0 ||
	    confine_calls(calls, sizeof(calls) / sizeof(calls[0]), e) < 0)
		return err_add(e, "seal the engine");
	return 0;
}
