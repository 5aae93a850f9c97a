/* Judges one attempt: is it claimed, was it refused. Knows no box. */
#include "judge/selftest.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>

#include "base/mem.h"
#include "boundary/gvisor/failed.h"
#include "model/filter.h"
#include "model/note.h"
#include "model/policy_grant.h"

void selftest_pass_init(struct selftest_pass *pass)
{
	pass->records = mem_alloc(attempt_count() * sizeof(*pass->records));
}

void selftest_pass_done(struct selftest_pass *pass)
{
	free(pass->records);
	*pass = SELFTEST_PASS_NONE;
}

void selftest_report_done(struct selftest_report *report)
{
	for (size_t i = 0; i < report->n_columns; i++)
		selftest_pass_done(&report->columns[i].pass);
	free(report->columns);
	selftest_pass_done(&report->pass);
	*report = (struct selftest_report){ .columns = NULL };
}

const char *selftest_guard_name(enum layer guard)
{
	static const char *const names[] = {
		[GUARD_ENGINE - LAYERS] = "engine", [GUARD_SEAL - LAYERS] = "seal", [GUARD_GVISOR - LAYERS] = "gvisor",
	};

	return guard > LAYERS ? names[guard - LAYERS] : layer_name(guard);
}

void selftest_settle(struct selftest_pass *pass, const struct attempt_row *row,
		     const struct result *result)
{
	struct selftest_record *const record = &pass->records[attempt_index(row)];

	if (record->kind != OUTCOME_NONE)
		return;
	/* A kernel in user space that gives up ends the box: that is a way of refusing. */
	if (result->verdict == VERDICT_SETUP || (result->verdict == VERDICT_INTERNAL && result->signal != GVISOR_FAILED)) {
		snprintf(record->detail, sizeof(record->detail), "%.79s", result->err.text);
		return;
	}
	/* The clock says that an attempt hung, not that it was refused. */
	if (!record->begun || result->verdict == VERDICT_LIMIT_WALL || result->ended_by_user) {
		snprintf(record->detail, sizeof(record->detail), "the box ended: %s",
			 verdict_name(result->verdict));
		return;
	}
	if (result->signal || result->killed || result->verdict >= VERDICT_LIMIT_CPU) {
		record->kind = OUTCOME_KILLED;
		record->sys = result->signal;
		snprintf(record->detail, sizeof(record->detail), "%s",
			 verdict_name(result->verdict));
	}
}

/* Is one place at, above or beneath the other? */
static bool touches(const char *a, const char *b)
{
	return policy_path_is_in(a, b) || policy_path_is_in(b, a);
}

/* Top directories an image may bring along; the host's view shows none of those a row asks about.
 */
static bool image_brings(const char *path)
{
	static const char *const trees[] = { "/var", "/srv", "/opt", "/etc" };

	for (size_t i = 0; i < ARRAY_SIZE(trees); i++)
		if (touches(trees[i], path))
			return true;
	return false;
}

bool selftest_is_ungranted(const struct policy *policy, const char *path)
{
	for (size_t i = 0; i < policy->n_grants; i++) {
		const struct grant *const grant = &policy->grants[i];
		const bool is_image = grant->what && !strcmp(grant->what, "image");
		const bool is_host = grant->what && !strcmp(grant->what, "host");

		if (is_image ? image_brings(path) :
			       !is_host && grant->as && touches(grant->as, path))
			return false;
	}
	return true;
}

static bool is_offline(const struct policy *policy, const char *path)
{
	(void)path;
	return policy_n(policy, KEY_NETWORK) == NETWORK_NONE;
}

static bool runs_nothing_written(const struct policy *policy, const char *path)
{
	(void)path;
	for (size_t i = 0; i < policy->n_grants; i++)
		if (policy->grants[i].kind >= GRANT_WRITE && policy->grants[i].may_exec)
			return false;
	return true;
}

static bool has_scratch(const struct policy *policy, const char *path)
{
	(void)path;
	for (size_t i = 0; i < policy->n_grants; i++)
		if (policy->grants[i].kind == GRANT_SCRATCH)
			return true;
	return false;
}

static bool forbids_tsc(const struct policy *policy, const char *path)
{
	(void)path;
	return policy_n(policy, KEY_NO_TSC) != 0;
}

static bool forbids_new_code(const struct policy *policy, const char *path)
{
	(void)path;
	return policy_n(policy, KEY_MDWE) != 0;
}

/* A need is a question to the policy, or a limit that must be stated. */
static const struct {
	bool (*holds)(const struct policy *policy, const char *path);
	enum policy_key key;
	const char *why;
} needs[] = {
	[NEED_NOTHING] = { .why = "" },
	[NEED_OFFLINE] = { .holds = is_offline, .why = "the policy grants the network" },
	[NEED_NO_EXEC] = { .holds = runs_nothing_written,
			   .why = "the policy lets written files run" },
	[NEED_UNGRANTED] = { .holds = selftest_is_ungranted,
			     .why = "the policy grants files there" },
	[NEED_SCRATCH] = { .holds = has_scratch, .why = "the policy grants no scratch space" },
	[NEED_MDWE] = { .holds = forbids_new_code, .why = "the policy does not ask for mdwe" },
	[NEED_NO_TSC] = { .holds = forbids_tsc, .why = "the policy does not ask for no_tsc" },
	[NEED_MEMORY] = { .key = KEY_MEMORY, .why = "the policy states no limit" },
	[NEED_PIDS] = { .key = KEY_PIDS, .why = "the policy states no limit" },
	[NEED_CPU] = { .key = KEY_CPU, .why = "the policy states no limit" },
	[NEED_DISK] = { .holds = has_scratch, .why = "the policy grants no scratch space" },
	[NEED_INODES] = { .holds = has_scratch, .why = "the policy grants no scratch space" },
	[NEED_FILES] = { .key = KEY_FILES, .why = "the policy states no limit" },
	[NEED_FSIZE] = { .key = KEY_FSIZE, .why = "the policy states no limit" },
};

static bool need_holds(const struct policy *policy, const struct attempt_row *row)
{
	if (row->need == NEED_NOTHING)
		return true;
	return needs[row->need].holds ? needs[row->need].holds(policy, row->path) :
					policy->values[needs[row->need].key].set;
}

static bool policy_allows(const struct policy *policy, uint32_t nr, const struct attempt_call *call)
{
	const uint64_t args[6] = { call->args[0], call->args[1], call->args[2], call->args[3] };
	const struct filter_row *by;
	const enum filter_act act = filter_judge(&policy->syscalls, nr, args, &by);

	return act == FILTER_ALLOW || act == FILTER_LOG;
}

/* In an engine's place an attempt is made by the calls that are left there. */
static bool call_passes(const struct selftest_scope *scope, const struct attempt_row *row)
{
	return row->call.has && (policy_allows(scope->policy, row->call.nr, &row->call) ||
				 (scope->has_engine && row->also && policy_allows(scope->policy, row->also, &row->call)));
}

/* What the box's filter refuses beyond the policy, because this kernel cannot guard it otherwise. */
static bool host_refuses(const struct selftest_scope *scope, uint32_t nr)
{
	static const uint32_t signalling[] = { SYS_kill, SYS_tkill, SYS_tgkill, SYS_rt_sigqueueinfo };

	for (size_t i = 0; i < ARRAY_SIZE(signalling); i++)
		if (scope->notes & NOTE_NO_SIGNALS && signalling[i] == nr)
			return true;
	return false;
}

bool selftest_claims(const struct selftest_scope *scope, const struct attempt_row *row,
		     const char **why)
{
	const uint64_t others = row->layers & ~LAYER_BIT(LAYER_SECCOMP) & scope->layers;
	const bool is_allowed = call_passes(scope, row) && !host_refuses(scope, row->call.nr);
	const bool is_of_engine = scope->has_engine && selftest_residual(scope->claimant, row, GUARD_ENGINE);

	*why = "";
	if (is_of_engine)
		return true; /* whatever the policy says: it speaks of native code */
	if (attempt_is_control(row))
		*why = row->call.has && !is_allowed ? "the policy does not allow the call" : "";
	else if (!(row->claims & scope->claimant))
		*why = "not claimed by this boundary";
	else if (!need_holds(scope->policy, row))
		*why = needs[row->need].why;
	else if ((row->how & HOW_LAYERED) && !(row->layers & scope->layers))
		*why = "not installed on this host";
	else if (is_allowed && !others)
		*why = "the policy allows the call";
	return !**why;
}

enum selftest_cell selftest_cell(const struct selftest_scope *scope, const struct attempt_row *row,
				 const struct selftest_record *record)
{
	const bool is_refused = record->kind == OUTCOME_REFUSED || record->kind == OUTCOME_KILLED;
	const bool is_control = attempt_is_control(row);
	const char *why;

	if (record->kind == OUTCOME_NONE && !record->begun && !record->detail[0])
		return CELL_UNTRIED;
	if (record->kind == OUTCOME_SKIPPED ||
	    ((row->how & HOW_STATE) && is_refused && record->sys))
		return CELL_NOT_APPLICABLE;
	if (is_refused && !is_control)
		return CELL_HELD;
	if (!selftest_claims(scope, row, &why))
		return CELL_NOT_APPLICABLE;
	if (record->kind == OUTCOME_NONE)
		return CELL_UNKNOWN;
	if (is_control)
		return is_refused ? CELL_BROKEN : CELL_WORKS;
	if (scope->has_kernel && selftest_residual(scope->claimant, row, GUARD_KERNEL))
		return CELL_KERNEL;
	return scope->has_engine && selftest_residual(scope->claimant, row, GUARD_ENGINE) ? CELL_ENGINE : CELL_POSSIBLE;
}

bool selftest_opens(const struct selftest_report *report, const struct selftest_column *column,
		    const struct attempt_row *row)
{
	const size_t i = attempt_index(row);
	const char *why;

	/* What gVisor does by itself, to its own things, is the host's without it. */
	if (column->layer == GUARD_ENGINE || (column->layer == GUARD_GVISOR && column->pass.records))
		return attempt_is_native(row) && !attempt_is_control(row) && selftest_claims(&report->scope, row, &why) &&
		       column->pass.records[i].kind == OUTCOME_ALLOWED;
	return column->pass.records && selftest_claims(&report->scope, row, &why) &&
	       selftest_cell(&report->scope, row, &report->pass.records[i]) == CELL_HELD &&
	       column->pass.records[i].kind == OUTCOME_ALLOWED;
}

/* The terminal is one of the box's own tree and of its session: no box has one without them. */
#define OF_TERMINAL (LAYER_BIT(LAYER_MOUNTNS) | LAYER_BIT(LAYER_ROOTFS) | LAYER_BIT(LAYER_SESSION))

/* Without a layer that is not meant to refuse it, an attempt may be left out. */
static bool may_be_untried(const struct attempt_row *row, enum layer layer)
{
	const bool no_terminal = (row->how & HOW_TERMINAL) && (OF_TERMINAL & LAYER_BIT(layer));

	return ((row->how & HOW_SLOW) || no_terminal) && !(row->layers & LAYER_BIT(layer));
}

bool selftest_tries(const struct selftest_column *column, const struct attempt_row *row)
{
	return column->layer < LAYERS || attempt_is_native(row);
}

size_t selftest_silent(const struct selftest_report *report, const struct selftest_column *column)
{
	size_t n = 0;

	for (size_t i = 0; column->pass.records && i < attempt_count(); i++) {
		const struct attempt_row *const row = attempt_at(i);
		const enum outcome_kind here = column->pass.records[i].kind;
		const enum selftest_cell whole =
			selftest_cell(&report->scope, row, &report->pass.records[i]);

		n += whole == CELL_HELD && here == OUTCOME_NONE && selftest_tries(column, row) &&
		     !may_be_untried(row, column->layer);
		n += whole == CELL_WORKS && here != OUTCOME_ALLOWED && selftest_tries(column, row);
	}
	return n;
}

struct selftest_count selftest_count(const struct selftest_report *report)
{
	struct selftest_count count = { .single = 0 };

	for (size_t i = 0; i < attempt_count(); i++) {
		const struct attempt_row *const row = attempt_at(i);
		bool is_single = false, is_documented = true;

		count.cells[selftest_cell(&report->scope, row, &report->pass.records[i])]++;
		for (size_t k = 0; k < report->n_columns; k++)
			if (selftest_opens(report, &report->columns[k], row)) {
				is_single = true;
				is_documented &=
					selftest_residual(report->scope.claimant, row,
							  report->columns[k].layer) != NULL;
			}
		count.single += is_single;
		count.undocumented += is_single && !is_documented;
	}
	for (size_t k = 0; k < report->n_columns; k++)
		count.silent += selftest_silent(report, &report->columns[k]);
	return count;
}

int selftest_code(const struct selftest_report *report)
{
	const struct selftest_count count = selftest_count(report);

	return count.cells[CELL_POSSIBLE] || count.cells[CELL_BROKEN] ||
			       count.cells[CELL_UNKNOWN] || count.undocumented || count.silent ?
		       1 :
		       0;
}
