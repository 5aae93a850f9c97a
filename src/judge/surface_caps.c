/* How far the capabilities of a place reach, worst first. */
#include <linux/capability.h>

#include "judge/surface_making.h"
#include "model/caps.h"

#define CAP(name) (UINT64_C(1) << CAP_##name)
/* Past the headers of some hosts. Source: include/uapi/linux/capability.h */
#define NEWER (UINT64_C(1) << 38 /* PERFMON */ | UINT64_C(1) << 39 /* BPF */ | UINT64_C(1) << 40 /* CHECKPOINT_RESTORE */)

/* Ways out whatever the namespaces: mounts, modules, ports, other processes, files by handle. */
#define OUT (CAP(SYS_ADMIN) | CAP(SYS_MODULE) | CAP(SYS_RAWIO) | CAP(SYS_PTRACE) | CAP(DAC_READ_SEARCH) | \
	     CAP(SYS_BOOT) | CAP(MAC_OVERRIDE) | CAP(MAC_ADMIN) | NEWER)
/* Ways out where the host's files are in sight. */
#define FILES (CAP(DAC_OVERRIDE) | CAP(CHOWN) | CAP(FOWNER) | CAP(FSETID) | CAP(SETUID) | CAP(SETGID) | \
	       CAP(SETFCAP) | CAP(SETPCAP) | CAP(MKNOD) | CAP(LINUX_IMMUTABLE))
/* What programs have for one harmless thing. */
#define MILD (CAP(NET_BIND_SERVICE) | CAP(AUDIT_WRITE) | CAP(WAKE_ALARM) | CAP(BLOCK_SUSPEND))
#define NAMED 4

enum severity surface_caps_severity(const struct place *place)
{
	const bool has_tree = place->holds & LAYER_BIT(LAYER_MOUNTNS);

	if (!place->caps || place->caps & OUT || (place->caps & FILES && !has_tree))
		return SEVERITY_CRITICAL;
	return place->caps & ~MILD ? SEVERITY_HIGH : SEVERITY_LOW;
}

const char *surface_caps_words(struct making *m)
{
	const uint64_t caps = m->place->caps;
	const uint64_t order[] = { caps & OUT, caps & FILES, caps & ~(OUT | FILES | MILD), caps & MILD };
	const int n = __builtin_popcountll(caps);
	struct arena *const arena = &m->surface->arena;
	const char *text = "";
	int told = 0;

	for (size_t i = 0; i < ARRAY_SIZE(order); i++)
		for (uint64_t left = order[i]; left && told < NAMED; left &= left - 1, told++) {
			const char *const name = caps_name((unsigned)__builtin_ctzll(left));

			text = arena_printf(arena, "%s%s%s", text, told ? ", " : "", name ? name : "one without a name");
		}
	return n > NAMED ? arena_printf(arena, "%s and %d more", text, n - NAMED) : text;
}
