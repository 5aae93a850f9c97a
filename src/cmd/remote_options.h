/* Rows and ids of the commands that talk to a service: help and completion read them where nobody can connect. */
#pragma once

#include "cmd/command.h"

/* Rows every one of them has; ids of a command's own begin at REMOTE_IDS. */
enum remote_id { REMOTE_URL, REMOTE_KEY_FILE, REMOTE_PATIENCE, REMOTE_IDS };
#define REMOTE_WHERE_ROWS \
	{ .name = "url", .kind = OPT_VALUE, .arg = "URL", .group = "Service", .id = REMOTE_URL, \
	  .help = "where the service is: http://127.0.0.1:PORT, https://HOST, unix:PATH; default: $WARD_URL, else " \
		  "http://127.0.0.1:8086" }, \
	{ .name = "key-file", .kind = OPT_VALUE, .arg = "FILE", .group = "Service", .words = OPT_PATHS, .id = REMOTE_KEY_FILE, \
	  .help = "file with the key, readable by its owner alone; default: $WARD_KEY, else ~/.config/ward/key" }
#define REMOTE_ROWS \
	REMOTE_WHERE_ROWS, \
	{ .name = "patience", .kind = OPT_VALUE, .arg = "DURATION", .group = "Service", .id = REMOTE_PATIENCE, \
	  .help = "how long a service that does not answer, or is full, is asked again (1m)" }

enum submit_id {
	SUBMIT_RUNTIME = REMOTE_IDS, SUBMIT_BOUNDARY, SUBMIT_COMMAND, SUBMIT_FILE, SUBMIT_STDIN, SUBMIT_ENV, SUBMIT_OUTPUT,
	SUBMIT_NAME, SUBMIT_LABEL, SUBMIT_PRIORITY, SUBMIT_DEADLINE, SUBMIT_TTL, SUBMIT_ATTEMPTS, SUBMIT_CPU, SUBMIT_WALL,
	SUBMIT_MEM, SUBMIT_PIDS, SUBMIT_CPUS, SUBMIT_DISK, SUBMIT_OUT_MAX, SUBMIT_ERR_MAX, SUBMIT_KEY, SUBMIT_WAIT,
	SUBMIT_INTERACTIVE, SUBMIT_TTY, SUBMIT_FOLLOW, SUBMIT_RAW, SUBMIT_JSON, SUBMIT_QUIET
};
enum jobs_id {
	JOBS_STATE = REMOTE_IDS, JOBS_RUNTIME, JOBS_LABEL, JOBS_AFTER, JOBS_BEFORE, JOBS_LIMIT, JOBS_CURSOR, JOBS_ALL, JOBS_JSON
};
enum logs_id { LOGS_FOLLOW = REMOTE_IDS, LOGS_STDOUT, LOGS_STDERR, LOGS_RAW };
enum cancel_id { CANCEL_WAIT = REMOTE_IDS };
enum top_id { TOP_ONCE = REMOTE_IDS, TOP_TENANT };
