/* One table. */
#include "model/note.h"

#include "base/mem.h"

static const char *const note_texts[] = {
	"limits hold for each process, not for the whole box: there is no cgroup (fallback: rlimits)",
	"scratch directories need a mount namespace; the program can write only where the policy grants it",
	"the program cannot send signals: this kernel cannot keep them inside",
	"Landlock here is older than ABI 6: no scopes, and perhaps no ports or truncation",
	"refused system calls are not recorded",
	"mdwe is enforced by filter rows alone: the kernel has no PR_SET_MDWE (Linux 6.3)",
	"outside, the program has the caller's own user id",
	"the host's programs and libraries are shared, read-only",
	"threat is hostile, and this boundary shares the host's kernel: one kernel bug is enough to leave it",
	"traced: every system call that the floor permits was let go on, whatever the policy lists",
	"Landlock guards ports and scopes, not files: under its rules for files gVisor could not mount",
	"inside gVisor the program is user 0, without capabilities: what may be written belongs to that id there",
};

const char *note_text(unsigned note)
{
	const unsigned bit = note ? (unsigned)__builtin_ctz(note) : 32;

	return bit < ARRAY_SIZE(note_texts) ? note_texts[bit] : NULL;
}
