/* Requests, one a line: each is answered by a fork of the script as its top level left it. */
#pragma once

#include "v8/ahead.h"
#include "v8/owner.h"

/* Reads JSON lines from standard input and writes for each, in their order, one line: {"result":...} or
 * {"error":{"kind":...,"text":...}}. What a request does to its own process, no other one notices. Ends the process:
 * with 0 after the last line, else with what kept the script from serving.
 *
 * ahead  opened before the seal */
_Noreturn void requests_run(struct owner *owner, const struct ahead *ahead);
