/* The engine of a module that was compiled ahead of time: one module, one instance, one process. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "aot/module.h"
#include "wasm/engine.h"

struct engine {
	uint64_t memory_pages;          /* at most */
	const uint8_t *stack_floor;     /* below it no host function is called */
	void *resume[5];                /* __builtin_setjmp */
	/* running: resume is good. in_host: no guest code runs, and what runs must not be left half done. */
	volatile int running, in_host, stopped;
	bool has_instance;
	struct engine_why *why;         /* of the call that runs */
	struct engine_import *imports;  /* by number */
	void *at;                       /* for their calls */
	struct engine_memory memory;    /* as it is now, once the instance is there */
	const wasm_rt_memory_t *exported;
};
extern struct engine aot;

/* Ends what runs in the guest. */
_Noreturn void aot_leave(void);
_Noreturn void aot_trap(const char *what, const void *where);

/* Around what the host does on behalf of guest code. */
void aot_enter_host(void);
void aot_leave_host(void);

void aot_start_traps(void);
void aot_start_memory(void);
bool aot_owns_address(uintptr_t address);

/* Nothing of an earlier instance is left. */
void aot_reset_memory(void);
void aot_reset_tables(void);
