/* What is weaker than usual in a plan, as bits, and the sentence for each. Pure. */
#pragma once

enum note {
	NOTE_RLIMITS_ONLY = 1 << 0,     /* no cgroup: limits hold per process (policy names the fallback) */
	NOTE_NO_SCRATCH = 1 << 1,       /* scratch grants need a mount namespace */
	NOTE_NO_SIGNALS = 1 << 2,       /* signals are refused: the kernel cannot scope them */
	NOTE_LANDLOCK_OLD = 1 << 3,     /* Landlock without scopes, ports or truncation */
	NOTE_NO_REPORT = 1 << 4,        /* refused calls are not recorded */
	NOTE_MDWE_FILTER = 1 << 5,      /* mdwe by filter rows alone: the kernel lacks PR_SET_MDWE */
	NOTE_SAME_USER = 1 << 6,        /* the program has the caller's own uid outside */
	NOTE_HOST_FILES = 1 << 7,       /* the host's /usr is shared, read-only */
	NOTE_SHARED_KERNEL = 1 << 8,    /* the policy says hostile, and the boundary shares the host's kernel */
	NOTE_OBSERVED = 1 << 9,         /* the policy's list of calls was not in force: each was recorded */
	NOTE_NO_FILE_RULES = 1 << 10,   /* a sandbox inside makes its own mounts, which Landlock's rules would refuse */
	NOTE_GUEST_ROOT = 1 << 11,      /* the program is user 0 of its own kernel, without capabilities */
};
/* A sentence for a bit; NULL past the last. */
const char *note_text(unsigned note);
