/* The scalar keys of a policy and their rows, from policy_keys.def. Pure. */
#pragma once

enum policy_key {
#define KEY(id, path, flag, type, narrow, arg, help) KEY_##id,
#include "model/policy_keys.def"
#undef KEY
	KEYS
};

/* Choices are stored as their index in the row's list. */
enum {
	BOUNDARY_PROCESS, BOUNDARY_CONTAINER, BOUNDARY_GVISOR, BOUNDARY_MICROVM, BOUNDARY_WASM,
	BOUNDARY_JS, BOUNDARY_AUTO
};
enum { THREAT_HOSTILE, THREAT_KNOWN, THREAT_OWN };
enum { NETWORK_NONE, NETWORK_HOST };
enum { SYS_KILL, SYS_ERRNO, SYS_NOTIFY, SYS_LOG };
enum { REPORT_DENIALS, REPORT_NONE };
enum { PROC_NONE, PROC_PID };
enum { TERMINAL_NONE, TERMINAL_AUTO, TERMINAL_PTY };
enum { CORE_SCHED_ON, CORE_SCHED_AUTO, CORE_SCHED_OFF };
enum { SPEC_STRICT, SPEC_AUTO, SPEC_OFF };

/* The row of a key, for help, man page, completion. */
enum key_type {
	KEY_DURATION, KEY_SIZE, KEY_COUNT, KEY_MILLI, KEY_BOOL, KEY_CHOICE, KEY_TEXT, KEY_PATH
};
enum key_narrow { NARROW_MIN, NARROW_ON, NARROW_OFF, NARROW_RANK, NARROW_FREE, NARROW_FIXED };
struct key_row {
	const char *path, *flag;
	enum key_type type;
	enum key_narrow narrow;
	const char *arg, *help;
};
const struct key_row *policy_key_row(enum policy_key key);

/* By path ("limits.cpu"). KEYS when there is none; policy_key_near() may know what was meant. */
enum policy_key policy_key_find(const char *path);
const char *policy_key_near(const char *path);
