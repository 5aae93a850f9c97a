/* The place a running process is in, from the texts /proc has of it. The texts are outside bytes: any. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "judge/place.h"

/* Namespaces, in the order of place_namespaces(). */
enum place_ns { NS_USER, NS_MOUNT, NS_PID, NS_NET, NS_IPC, NS_UTS, NS_CGROUP, NS_TIME, PLACE_NAMESPACES };
/* "user", "mnt", ...: the name below /proc/PID/ns. */
const char *place_ns_name(enum place_ns ns);

struct process_fd {
	int number;
	const char *target;     /* "/dev/pts/0", "pipe:[812]" */
	const char *info;       /* text of fdinfo; NULL: unreadable */
};

/* What was read; a NULL text could not be. */
struct process_facts {
	int pid;
	const char *status, *stat, *limits, *mounts, *interfaces, *tcp, *tcp6, *unix_sockets;
	const char *own_mounts;                 /* of whoever asks */
	enum known same_ns[PLACE_NAMESPACES];   /* as whoever asks is in */
	enum known has_cookie;                  /* a core-scheduling cookie */
	enum known smt;
	bool is_hidden;                         /* its /proc entry is root's and it is not: it cannot be dumped */
	uint32_t own_uid;
	struct process_fd *fds;
	size_t n_fds;
	bool fds_known;
	const char **nodes;                     /* character and block devices in its /dev: "/dev/null" */
	size_t n_nodes;
	enum known has_nodes;                   /* KNOWN_NOT: they could not be listed */
	struct place_bound bounds[PLACE_LIMITS];        /* .whole and .n, from its cgroups */
};

void place_from_process(struct place *place, const struct process_facts *facts);

/* The mounts of one /proc/PID/mountinfo, against those of whoever asks (NULL: not known, all count as the
 * host's). Lines that are no mounts are left out and told as missing. Source: proc_pid_mountinfo(5) */
void place_read_mounts(struct place *place, const char *text, const char *own);
