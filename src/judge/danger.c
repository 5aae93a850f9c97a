/* The danger data, expanded by the compiler. Refuses to judge. */
#include "judge/danger.h"

#include <asm/prctl.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <linux/futex.h>
#include <linux/sockios.h>
#include <netinet/in.h>
#include <sched.h>
#include <signal.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/personality.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/shm.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <time.h>

#include "base/mem.h"

enum {
#define CALL(name, number, heat, args) NR_##name = number,
#include "model/syscalls.def"
#undef CALL
};

static const char *const severities[SEVERITIES] = {
	[SEVERITY_NONE] = "none", [SEVERITY_INFO] = "info", [SEVERITY_LOW] = "low",
	[SEVERITY_MEDIUM] = "medium", [SEVERITY_HIGH] = "high", [SEVERITY_CRITICAL] = "critical",
};

static const struct {
	const char *word, *text;
} facts[FACTS] = {
	{ "own-user", "a user namespace of its own" },
	{ "own-pid", "a PID namespace of its own" },
	{ "own-net", "a network namespace of its own" },
	{ "own-mount", "a mount namespace of its own" },
	{ "own-ipc", "an IPC namespace of its own" },
	{ "own-uts", "a host name of its own" },
	{ "own-terminal", "no terminal but its own" },
	{ "landlock", "Landlock" },
	{ "mdwe", "PR_SET_MDWE" },
	{ "no-caps", "no capability" },
	{ "memory-limit", "a limit on memory" },
	{ "pids-limit", "a limit on processes" },
};

/* ---- the rows: each pass over the table takes what it wants of them ---- */

#define DANGER(...)
#define KEEP(...)
#define SYSTEMD(...)
#define POLICY(...)
#define EASE(...)
#define REACH(...)
#define NAMED(...)
#define CLASS(...)
#define SAME(...)

/* Where an entry begins in the flat lists of what belongs to it: they have one mark for each. Texts lie
 * in the rows: a table of pointers would be relocated, and so touched, in every start of ward. */
enum { MARK = 0xff };

/* C would drop the end of a text that fills its array: with one written out the compiler complains. */
#define FITS(text) text "\0"

#undef DANGER
#define DANGER(id_, severity_, errno_, why_, record_, tolerable_) \
	{ .id = FITS(id_), .severity = SEVERITY_##severity_, .errno_name = FITS(errno_), .why = FITS(why_), \
	  .record = FITS(record_), .tolerable = FITS(tolerable_) },
static const struct {
	char id[24], errno_name[16], why[224], record[136], tolerable[148];
	enum severity severity;
} entries[] = {
#include "judge/danger.def"
};

#undef DANGER
#undef KEEP
#undef SYSTEMD
#undef POLICY
#define DANGER(...) { .is_mark = true },
#define KEEP(when_, allow_) { .when = FITS(when_), .allow = FITS(allow_) },
#define SYSTEMD(directive_) { .systemd = FITS(directive_) },
#define POLICY(setting_) { .policy = FITS(setting_) },
static const struct {
	bool is_mark;
	char when[160], allow[176], systemd[56], policy[32];
} fixes[] = {
#include "judge/danger.def"
};
#undef KEEP
#undef SYSTEMD
#undef POLICY
#define KEEP(...)
#define SYSTEMD(...)
#define POLICY(...)

#define NOTHING      0
#define ANY_CAPS     DANGER_ANY_CAPS
#define ANY_KERNEL   0
#define KERNEL(a, b) ((a) << 16 | (b) << 8)
/* Marks the capability as the host's by a high bit; EASE takes it off again. */
#define ON_HOST(cap) ((cap) | 64)
#define OWN_USER     FACT_OWN_USER
#define OWN_PID      FACT_OWN_PID
#define OWN_NET      FACT_OWN_NET
#define OWN_MOUNT    FACT_OWN_MOUNT
#define OWN_IPC      FACT_OWN_IPC
#define OWN_UTS      FACT_OWN_UTS
#define OWN_TERMINAL FACT_OWN_TERMINAL
#define LANDLOCK     FACT_LANDLOCK
#define MDWE         FACT_MDWE
#define NO_CAPS      FACT_NO_CAPS
#define MEMORY_LIMIT FACT_MEMORY_LIMIT
#define PIDS_LIMIT   FACT_PIDS_LIMIT

#undef DANGER
#undef EASE
#define DANGER(...) { .to = MARK },
#define EASE(severity, facts_, cap, kernel_) \
	{ .to = SEVERITY_##severity, .facts = (facts_), .kernel = (kernel_), \
	  .on_host = (cap) > 0 && ((cap) & 64), .lacks = (cap) < 0 ? (cap) : (cap) & 63 },
static const struct danger_ease eases[] = {
#include "judge/danger.def"
};
#undef EASE
#define EASE(...)

#define ALL                    UINT64_MAX
#define EQ(arg, value)         { arg, FILTER_EQ, UINT64_MAX, value }
#define OTHER(arg, value)      { arg, FILTER_NE, UINT64_MAX, value }
#define BITS(arg, mask, value) { arg, FILTER_EQ, mask, value }
#define SOME(arg, mask)        { arg, FILTER_NE, mask, 0 }
#define ARG(arg, value)        { arg, value }
#define WHERE(...)             .has_tests = true, .tests = { __VA_ARGS__ }
#define LIKE(...)              .like = { __VA_ARGS__ }
#define AT(severity)           .at = SEVERITY_##severity
#define UNLESS(facts_)         .unless = (facts_)
#define WHOLE                  .is_whole = true

#undef DANGER
#undef REACH
#undef NAMED
#define DANGER(...)      { .at = MARK },
#define REACH(call, ...) { .nr = NR_##call, ##__VA_ARGS__ },
#define NAMED(call)      { .nr = NR_##call, .is_named_only = true },
static const struct danger_reach reaches[] = {
#include "judge/danger.def"
};

#undef DANGER
#undef REACH
#undef NAMED
#undef CLASS
#undef SAME
#define DANGER(...)
#define REACH(...)
#define NAMED(...)
#define CLASS(what_)    { .what = FITS(what_) },
#define SAME(call, ...) { .reach = { .nr = NR_##call, ##__VA_ARGS__ } },
static const struct {
	char what[40];
	struct danger_reach reach;
} spellings[] = {
#include "judge/danger.def"
};

const char *severity_name(enum severity severity)
{
	return severities[severity];
}

int severity_find(const char *name)
{
	for (int i = SEVERITY_INFO; i < SEVERITIES; i++)
		if (strcmp(severities[i], name) == 0)
			return i;
	return -1;
}

const char *danger_fact_text(unsigned bit)
{
	return bit < FACTS ? facts[bit].text : NULL;
}

const char *danger_fact_word(unsigned bit)
{
	return bit < FACTS ? facts[bit].word : NULL;
}

static bool is_fix_mark(size_t at)
{
	return fixes[at].is_mark;
}

static bool is_ease_mark(size_t at)
{
	return eases[at].to == MARK;
}

static bool is_reach_mark(size_t at)
{
	return reaches[at].at == MARK;
}

/* The places of a flat list that belong to the i-th entry. */
struct span {
	size_t from, n;
};

static struct span span_of(size_t i, size_t n_list, bool (*is_mark)(size_t at))
{
	struct span span = { 0, 0 };

	for (size_t left = i + 1; left; span.from++)
		left -= is_mark(span.from);
	while (span.from + span.n < n_list && !is_mark(span.from + span.n))
		span.n++;
	return span;
}

static const char *said(const char *text, const char *otherwise)
{
	return *text ? text : otherwise;
}

static void add_fixes(struct span span, struct danger *out)
{
	for (size_t at = span.from; at < span.from + span.n; at++) {
		out->keep_when = said(fixes[at].when, out->keep_when);
		out->keep = said(fixes[at].allow, out->keep);
		out->systemd = said(fixes[at].systemd, out->systemd);
		out->policy = said(fixes[at].policy, out->policy);
	}
}

bool danger_at(size_t i, struct danger *out)
{
	struct span ease, reach;

	if (i >= ARRAY_SIZE(entries))
		return false;
	*out = (struct danger){
		.id = entries[i].id, .severity = entries[i].severity, .errno_name = said(entries[i].errno_name, NULL),
		.why = entries[i].why, .record = said(entries[i].record, NULL),
		.tolerable = said(entries[i].tolerable, NULL),
	};
	add_fixes(span_of(i, ARRAY_SIZE(fixes), is_fix_mark), out);
	ease = span_of(i, ARRAY_SIZE(eases), is_ease_mark);
	out->eases = &eases[ease.from];
	out->n_eases = ease.n;
	reach = span_of(i, ARRAY_SIZE(reaches), is_reach_mark);
	out->reaches = &reaches[reach.from];
	out->n_reaches = reach.n;
	return true;
}

bool danger_find(const char *id, struct danger *out)
{
	for (size_t i = 0; i < ARRAY_SIZE(entries); i++)
		if (strcmp(entries[i].id, id) == 0)
			return danger_at(i, out);
	return false;
}

enum severity danger_of_call(uint32_t nr)
{
	enum severity worst = SEVERITY_NONE;
	size_t entry = 0;

	for (size_t i = 0; i < ARRAY_SIZE(reaches); i++) {
		if (reaches[i].at == MARK)
			entry++;
		else if (reaches[i].nr == nr && !reaches[i].is_named_only && entries[entry - 1].severity > worst)
			worst = entries[entry - 1].severity;
	}
	return worst;
}

bool danger_class_at(size_t i, struct danger_class *out)
{
	size_t at = 0;

	for (size_t left = i + 1; at < ARRAY_SIZE(spellings); at++) {
		left -= *spellings[at].what != '\0';
		if (!left)
			break;
	}
	if (at == ARRAY_SIZE(spellings))
		return false;
	*out = (struct danger_class){ .what = spellings[at].what };
	while (++at < ARRAY_SIZE(spellings) && !*spellings[at].what)
		out->spellings[out->n++] = &spellings[at].reach;
	return true;
}
