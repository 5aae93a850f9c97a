/* A recording stub of monitor/client.h: a "box" is a child process that runs a function of the
 * test. */
#pragma once

#include <stdint.h>
#include <sys/types.h>

#include "monitor/client.h"

struct fake_keeper {
	void (*box)(const struct fake_keeper *keeper);  /* runs in the child */
	int arg;                        /* for the box function */
	struct cgroup_usage usage;             /* of every answer; cpu_us grows by cpu_step_us with each */
	uint64_t cpu_step_us;
	bool fails_spawn, fails_release;
	bool is_silent;                 /* the first question times out, later ones find it gone */
	bool dies;                      /* the keeper is gone as soon as there is a box */
	/* What was asked, in order; and what the engine handed over. */
	enum mon_op asked[64];
	uint64_t args[64];
	size_t n_asked;
	/* In the child: its end of the note channel and its streams. */
	int note_fd, fds[3];
	pid_t pid;
	int control_peer;
};
extern struct fake_keeper fake;

/* How often op was asked. */
size_t fake_asked(enum mon_op op);

/* For box functions. */
void fake_note(enum box_note_kind kind, int64_t value, int fd);
void fake_started(int fd);
void fake_ended(int status);
