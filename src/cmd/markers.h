/* Things on the host that no box may reach, set out for the selftest and taken away again: a
 * world-readable file, programs, listeners, System V objects, a key, a variable, an open directory,
 * a terminal. */
#pragma once

#include <stdint.h>

#include "base/err.h"
#include "base/mem.h"
#include "model/policy.h"

struct markers {
	char token[40];         /* occurs in the name or content of each */
	char base[64];          /* private directory, "" = none; granted/ and outside/ beneath */
	char *granted;          /* directory of what is for the box */
	char *probe, *readable; /* in it: ward-probe and a plain file */
	char *suid,
		*filecap; /* copies of ward-probe with rights; NULL when ward has none to give */
	char *secret, *tool, *socket_path; /* outside */
	int tcp_fd, udp_fd, abstract_fd, socket_fd, dir_fd, tty_fd, tty_master_fd;
	int shm, sem, msg; /* ids, -1 = none */
	int32_t key;       /* of all three; key + 1 is the box's to try */
	uint16_t tcp_port, udp_port;
	bool has_queue, has_shm_file;
	struct arena arena;
};
#define MARKERS_NONE                                                                               \
	((struct markers){ .tcp_fd = -1,                                                           \
			   .udp_fd = -1,                                                           \
			   .abstract_fd = -1,                                                      \
			   .socket_fd = -1,                                                        \
			   .dir_fd = -1,                                                           \
			   .tty_fd = -1,                                                           \
			   .tty_master_fd = -1,                                                    \
			   .shm = -1,                                                              \
			   .sem = -1,                                                              \
			   .msg = -1 })

/* Sets everything out; what this host does not offer is left out, and the attempt that needs it
 * says so. Takes over the session: the caller is a child of its own, which becomes the leader of a
 * session with the marker terminal.
 *
 * policy  its grants are kept clear of the markers
 * probe   path of ward-probe, which is copied
 * out     starts from MARKERS_NONE; markers_done() in any case
 * Errors: ERR_SYSTEM when there is no place for the directory or the copies */
MUST_USE int markers_set_out(const struct policy *policy, const char *probe, struct markers *out,
			     struct err *e);
void markers_done(struct markers *markers);

/* For a guest of an engine: beneath granted, links that lead out, a pipe, a directory with a file; and a copy of
 * the program that takes the engine's place.
 *
 * program  its path; out: of the copy, in the markers' arena */
MUST_USE int markers_set_out_guest(struct markers *markers, const char *program, const char **out, struct err *e);

/* The path of a file in the private directory; in the markers' arena. */
char *markers_path(struct markers *markers, const char *name);

/* Appends "name=value" arguments that tell ward-probe where they are. */
void markers_describe(struct markers *markers, const char **argv, size_t *n, size_t cap);
