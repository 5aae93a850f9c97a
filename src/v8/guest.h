/* A guest that is a script: the process that runs one tenant's JavaScript, from its birth to its end. */
#pragma once

#include <stdbool.h>

#include "isolate/control.h"
#include "v8/js.h"

/* What its host functions come down to: frames. */
struct js_host guest_script_host(void);

/* In a process that was born for it (nursery.h), whose channel is open: seals it, takes the sources, runs them. */
_Noreturn void guest_live(struct js *js, const struct isolate_limits *limits, bool serves);
