/* `ward serve --explain`. */
#pragma once

#include "cmd/command.h"

/* As a command's function. Plans what the service would plan, starts nothing, changes nothing but the file it writes.
 *
 * Returns 0, or CODE_INCOMPLETE when something could not be judged */
MUST_USE int command_serve_explain_run(struct args *args, struct err *e);
