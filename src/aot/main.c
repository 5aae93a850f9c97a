/* A compiled plug-in's process: its box has held it since before its first instruction; it gives up what is left of
 * paths and calls, and is at the host's service. */
#include <stdio.h>
#include <stdlib.h>
#include <sys/syscall.h>

#include "base/fd.h"
#include "base/mem.h"
#include "mech/confine.h"
#include "mech/drop.h"
#include "mech/landlock.h"
#include "plugin/serve.h"

#define CODE_SETUP 125

/* The last one is for who has chance granted. */
static const uint16_t calls[] = {
#define CALL(name) SYS_##name,
#include "plugin/compiled_calls.def"
#undef CALL
};

static int close_paths(struct err *e)
{
	OWN_FD int rules = -1;

	if (!landlock_abi())
		return 0;
	rules = landlock_new(UINT64_C(0x1fff), 0, 0, e); /* all of its first version, and none granted */
	return rules < 0 ? -1 : landlock_enter(TAKE_FD(rules), e);
}

static int seal(bool random, struct err *e)
{
	if (drop_new_privs(e) < 0 || close_paths(e) < 0)
		return -1;
	return confine_calls(calls, ARRAY_SIZE(calls) - !random, e);
}

int main(int argc, char **argv)
{
	struct err e = ERR_INIT;

	if (argc != 2) {
		fprintf(stderr, "a compiled plug-in: called by ward alone\n");
		return CODE_SETUP;
	}
	(void)!serve_calls(atoi(argv[1]), seal, &e); /* comes back only with an error */
	dprintf(2, "plug-in: %s\n", e.text);
	return CODE_SETUP;
}
