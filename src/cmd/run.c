/* `ward run`: one run, and its exit code. */
#include "cmd/running.h"

int command_run_run(struct args *args, struct err *e)
{
	OWN(running) run = RUNNING_NONE;

	if (running_prepare(&run, args, e) < 0)
		return running_fail(&run, args, e);
	if (run.options.dry_run)
		return 0;
	running_start(&run);
	return running_report(&run, args);
}

const struct command command_run = {
	.name = "run",
	.summary = "run a program under a policy",
	.usage = "[option]... [--] program [argument]...",
	.about = "The exit code is the program's own; 128+N when signal N ended it; 124 when ward "
		 "did (a limit), 125 when nothing ran, 126 and 127 when the program cannot be "
		 "executed or is not there. A flag only narrows what the policy allows; --widen "
		 "lifts that.",
	.options = run_options_table,
	.trouble = CODE_SETUP,
};
