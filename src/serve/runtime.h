/* The runtimes: a table, and from a job to the steps its box is told to run. Pure. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "serve/job.h"
#include "serve/order.h"

struct runtime {
	const char *name, *program, *main, *build, *run;
	enum order_park park;
};

/* Its jobs are what an engine of ward's runs: one file, and no programs. */
static inline bool runtime_has_engine(const struct runtime *runtime)
{
	return runtime->park == PARK_JS || runtime->park == PARK_WASM;
}

#define RUNTIME_WORDS 160       /* bytes of a template, its end counted */

/* NULL when there is none. */
const struct runtime *runtime_find(const char *name);
const struct runtime *runtime_at(size_t i);

/* That of a class: the table's row, with the words that its operator put in their place. NULL when there is none. */
const struct runtime *runtime_of(const struct order_class *class, struct runtime *own);

/* What the box is asked to run. */
struct runtime_step {
	const char *id;
	const char *const *argv;        /* ends with NULL */
	const struct job_bytes *input;  /* never NULL */
	bool is_build;                  /* its failure is the compiler's word on the program */
	bool is_parked;                 /* argv is for the interpreter that waits: without its own name */
};

/* Fills steps[], at most JOB_STEPS + 1 of them; what it makes is the arena's.
 *
 * Returns their number, 0 with *fault when the job does not say what is to be run */
size_t runtime_steps(const struct runtime *runtime, const struct job_spec *spec, struct runtime_step *steps,
		     struct arena *arena, struct job_fault *fault);
