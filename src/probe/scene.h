/* What the harness set out around the box and what it tells about the host, as "name=value"
 * arguments. Everything is optional: an attempt without its marker says so. */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "probe/outcome.h"

struct scene {
	/* markers outside the grants */
	const char *token;                      /* occurs in every marker's name and content */
	const char *secret_dir, *secret, *tool; /* directory, world-readable file, program in it */
	const char *abstract, *socket;          /* unix sockets: abstract name, path */
	const char *queue, *shm_file;           /* POSIX message queue, file in /dev/shm */
	int64_t tcp, udp, shm, sem, msg;        /* ports and keys; 0 = not set out */
	/* the host as seen from outside */
	const char *host_name;
	int64_t host_pid, host_session, host_group, host_tty, uptime_s;
	/* inside: what the policy grants, and its limits */
	const char *self, *scratch, *readable, *program, *suid, *filecap;
	int64_t memory, pids, cpu_ms, disk, inodes, files, fsize;
	int64_t passed; /* bits of the descriptors the policy passes */
	/* known beforehand where attempts are children of the program */
	pid_t first, parent;
	bool in_process; /* no second process: the program itself makes the one attempt */
};

/* One argument "name=value"; false when the name is unknown or the value is no number where one is
 * due. */
bool scene_set(struct scene *scene, const char *argument);

/* The program's own number, and that of the process that started it (0: it has none in here). Asked
 * for only when an attempt wants them: a policy may kill for the question. */
pid_t scene_first(const struct scene *scene);
pid_t scene_parent(const struct scene *scene);

/* Open descriptors 3..63, as bits, without those the policy passes. */
uint64_t scene_inherited(const struct scene *scene);

/* A name in the scratch directory; NULL when the policy grants none. */
const char *scene_file(const struct scene *scene, const char *name, char *out, size_t cap);
