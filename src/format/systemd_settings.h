/* What a unit says about filters and the place its processes run in, merged as systemd merges it. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "model/subject.h"

/* Yes or no. */
enum systemd_switch {
	SWITCH_MEMORY, SWITCH_REALTIME, SWITCH_SUID, SWITCH_TUNABLES, SWITCH_MODULES, SWITCH_LOGS, SWITCH_CLOCK,
	SWITCH_DEVICES, SWITCH_PERSONALITY, SWITCH_HOSTNAME,
	/* these install no filter */
	SWITCH_NEW_PRIVS, SWITCH_DYNAMIC_USER, SWITCH_NETWORK, SWITCH_USERS, SWITCH_IPC, SWITCH_PIDS,
	SWITCHES
};

#define SYSTEMD_DEFAULT (-1)    /* no errno of its own */
#define SYSTEMD_KILL (-2)

/* A call that was named in a list. */
struct systemd_call {
	int nr;                 /* libseccomp's native or pseudo number */
	int error;              /* an errno, SYSTEMD_DEFAULT or SYSTEMD_KILL */
	bool is_in;             /* still in the list: it may have been taken out again */
	uint32_t line;          /* the last that named it */
	const char *word;       /* as it stands there: "@mount", "ptrace:EPERM"; in the subject's arena */
};

/* SystemCallFilter= or SystemCallLog=. */
struct systemd_calls {
	struct systemd_call *of;
	size_t n, cap;
	bool is_set, is_allow_list;
	uint32_t line;
};

struct systemd_settings {
	struct {
		bool on;
		uint32_t line;
	} switches[SWITCHES];
	struct systemd_calls filter, log;
	int error_number;               /* SystemCallErrorNumber= */
	bool has_arches, allows_x86, allows_x32;
	uint32_t arches_line;
	bool has_families;                      /* a list was begun */
	bool families_allowed;                  /* it is all there may be; else all there may not be */
	uint64_t families;                      /* bit AF_* */
	uint32_t families_line;
	bool has_namespaces;
	uint64_t namespaces;            /* CLONE_NEW* that may be made */
	uint32_t namespaces_line;
	uint32_t personality;           /* PER_* */
	uint64_t bounding, ambient;     /* CAP_* bits */
	bool has_user;                  /* another than root */
	bool own_mount, has_terminal;
};
void systemd_settings_done(struct systemd_settings *settings);

/* CLONE_NEW* of RestrictNamespaces=; systemd 252 does not know the time namespace. */
#define SYSTEMD_NAMESPACES UINT64_C(0x7e020000)

/* Fills *settings. What systemd would ignore with a warning is listed as missing in *out.
 *
 * Errors: those of unit_init() and unit_next() */
MUST_USE int systemd_settings_read(const char *name, const char *text, size_t len, struct systemd_settings *settings,
				   struct subject *out, struct err *e);
