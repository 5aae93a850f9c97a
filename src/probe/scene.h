/* What the harness set out around the box and what it tells about the host, as "name=value" arguments.
 * Everything is optional: an attempt without its marker says so. */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "probe/outcome.h"

struct scene {
	/* markers outside the grants */
	const char *token;      /* occurs in every marker's name and content */
	const char *secret_dir, *secret, *tool;         /* directory, world-readable file, program in it */
	const char *abstract, *socket;                  /* unix sockets: abstract name, path */
	const char *queue, *shm_file;                   /* POSIX message queue, file in /dev/shm */
	int64_t tcp, udp, shm, sem, msg;                /* ports and keys; 0 = not set out */
	/* the host as seen from outside */
	const char *host_name;
	int64_t host_pid, host_session, host_group, host_tty, uptime_s;
	/* inside: what the policy grants, and its limits */
	const char *self, *scratch, *readable, *program, *suid, *filecap;
	int64_t memory, pids, cpu_ms, disk, inodes, files, fsize;
	/* found at the start, before anything was opened */
	pid_t parent, first;    /* the program's own number is first */
	uint64_t inherited;     /* open descriptors 3..63 */
	int64_t passed;         /* bits of those the policy passes */
};

/* One argument "name=value"; false when the name is unknown or the value is no number where one is due. */
bool scene_set(struct scene *scene, const char *argument);

/* Parent and inherited descriptors. Called first in main(). */
void scene_look(struct scene *scene);

/* A place to write: the scratch directory. NULL when the policy grants none. */
const char *scene_file(const struct scene *scene, const char *name, char *out, size_t cap);
