/* The danger data: what can go wrong when a system call is allowed, how to ask a filter about it, and
 * what to do. Pure tables; lint.c asks. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "model/filter.h"

enum severity {
	SEVERITY_NONE,  /* nothing to say in these surroundings */
	SEVERITY_INFO,
	SEVERITY_LOW,
	SEVERITY_MEDIUM,
	SEVERITY_HIGH,
	SEVERITY_CRITICAL,
	SEVERITIES
};
#define SEVERITY_WORDS "info|low|medium|high|critical"

/* "none", "info", ...; and back, -1 when unknown. */
const char *severity_name(enum severity severity);
int severity_find(const char *name);

/* What may be known of the surroundings, as bits. */
enum danger_fact {
	FACT_OWN_USER = 1 << 0,
	FACT_OWN_PID = 1 << 1,
	FACT_OWN_NET = 1 << 2,
	FACT_OWN_MOUNT = 1 << 3,
	FACT_OWN_IPC = 1 << 4,
	FACT_OWN_UTS = 1 << 5,
	FACT_OWN_TERMINAL = 1 << 6,
	FACT_LANDLOCK = 1 << 7,
	FACT_MDWE = 1 << 8,
	FACT_NO_CAPS = 1 << 9,          /* no capability, in no namespace */
	FACT_MEMORY_LIMIT = 1 << 10,
	FACT_PIDS_LIMIT = 1 << 11,
	FACTS = 12
};
/* "a PID namespace of its own"; of the i-th bit, and the word for it on a command line. */
const char *danger_fact_text(unsigned bit);
const char *danger_fact_word(unsigned bit);

#define DANGER_ANY_CAPS (-1)
struct danger_ease {
	uint8_t to;             /* enum severity */
	bool on_host;           /* the capability counts in the host's user namespace alone */
	int8_t lacks;           /* CAP_*, or DANGER_ANY_CAPS */
	uint16_t facts;         /* all of them */
	uint32_t kernel;        /* at least; 0x060800 is 6.8.0 */
};

/* An argument the example should have, if it may. */
struct danger_like {
	uint8_t arg;
	uint64_t value;
};
#define DANGER_LIKES 5

/* Do arguments for which all tests hold reach the kernel? A test that is all zero holds always. */
struct danger_reach {
	uint16_t nr;
	uint16_t unless;        /* facts: any of them */
	uint8_t at;             /* enum severity; SEVERITY_NONE: that of the entry */
	bool is_named_only;
	bool has_tests;
	bool is_whole;          /* what may be kept says nothing of this call */
	struct filter_test tests[2];
	struct danger_like like[DANGER_LIKES];
};

struct danger {
	const char *id, *errno_name, *why, *record, *tolerable;
	const char *keep_when, *keep;   /* NULL: refuse the call whole; '#' is the argument's number */
	const char *systemd, *policy;   /* a setting that closes it; NULL = none */
	enum severity severity;
	const struct danger_ease *eases;
	size_t n_eases;
	const struct danger_reach *reaches;             /* named calls too */
	size_t n_reaches;
};

/* The i-th entry, in the order of the table; false past the end. */
bool danger_at(size_t i, struct danger *out);
/* By id; false when there is none. */
bool danger_find(const char *id, struct danger *out);

/* The worst severity of an entry that asks about a call. */
enum severity danger_of_call(uint32_t nr);

/* Calls that do the same, the usual one first. */
#define DANGER_SPELLINGS 8
struct danger_class {
	const char *what;       /* "making memory executable" */
	const struct danger_reach *spellings[DANGER_SPELLINGS];
	size_t n;
};
/* The i-th class; false past the end. */
bool danger_class_at(size_t i, struct danger_class *out);
