/* A guest that is a WebAssembly module: from its birth to its end. */
#pragma once

#include <stddef.h>

#include "base/err.h"
#include "isolate/control.h"

struct nursery_setup;

/* Before the zygote is sealed: starts the engine, opens what every guest is given, and the module that is for all of
 * them. Compiles nothing but a module of ward's own. */
MUST_USE int guest_module_warm(const struct nursery_setup *setup, size_t stack_bytes, struct err *e);

/* When it is sealed: compiles that module, and runs nothing of it. Nothing to do where there is none. */
MUST_USE int guest_module_load(struct err *e);

/* In a process that was born for it (nursery.h), whose channel is open: seals it, takes the module and its words, runs
 * it. */
_Noreturn void guest_module_live(const struct isolate_limits *limits);
