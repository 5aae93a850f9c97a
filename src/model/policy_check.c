/* What no single key can say: contradictions between keys. Refuses a policy that demands what it
 * switches off, or grants two things at one place. */
#include "model/policy.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>


static int blame(const struct origin *at, struct err *e)
{
	if (at->line)
		return err_add(e, "%.100s:%" PRIu32 ":%" PRIu32, at->source, at->line, at->column);
	return at->source ? err_add(e, "%.100s", at->source) : -1;
}

static int fail_at(const struct origin *at, struct err *e, const char *text)
{
	err_set(e, ERR_USAGE, "%s", text);
	return blame(at, e);
}

static int by_place(const void *a, const void *b)
{
	const struct grant *const *const x = a, *const *const y = b;
	const int order = strcmp((*x)->as, (*y)->as);

	return order ? order : (*x > *y) - (*x < *y);
}

static int check_places(const struct policy *policy, struct err *e)
{
	OWN_MEM const struct grant **sorted = mem_alloc(policy->n_grants * sizeof(*sorted));

	for (size_t i = 0; i < policy->n_grants; i++)
		sorted[i] = &policy->grants[i];
	qsort(sorted, policy->n_grants, sizeof(*sorted), by_place);
	for (size_t i = 1; i < policy->n_grants; i++) {
		char text[200], line[32] = "";

		if (strcmp(sorted[i - 1]->as, sorted[i]->as) != 0)
			continue;
		if (sorted[i - 1]->origin.line)
			snprintf(line, sizeof(line), ", first on line %" PRIu32,
				 sorted[i - 1]->origin.line);
		snprintf(text, sizeof(text), "two grants at %.80s%s; keep one", sorted[i]->as,
			 line);
		return fail_at(&sorted[i]->origin, e, text);
	}
	return 0;
}

static bool is_view(const struct grant *grant)
{
	return grant->kind == GRANT_READ && grant->what &&
	       (strcmp(grant->what, "host") == 0 || strcmp(grant->what, "image") == 0);
}

/* To a module / is a name like any other: nothing else is there that it could cover. */
static int check_root(const struct policy *policy, struct err *e)
{
	for (size_t i = 0; i < policy->n_grants; i++) {
		const struct grant *const grant = &policy->grants[i];

		if (strcmp(grant->as, "/") != 0 || is_view(grant) || policy_n(policy, KEY_BOUNDARY) == BOUNDARY_WASM)
			continue;
		err_set(e, ERR_DENIED, "a grant at / would cover /proc, /sys and /dev; use another place");
		return blame(&grant->origin, e);
	}
	return 0;
}

static int check_image(const struct policy *policy, struct err *e)
{
	if (policy->values[KEY_IMAGE].set)
		return 0;
	for (size_t i = 0; i < policy->n_grants; i++)
		if (policy->grants[i].what && policy->grants[i].kind == GRANT_READ &&
		    strcmp(policy->grants[i].what, "image") == 0)
			return fail_at(&policy->grants[i].origin, e,
				       "`read: image` without an image; add image: DIR, or use "
				       "`read: host`");
	return 0;
}

static int check_ports(const struct policy *policy, struct err *e)
{
	if (policy->ports_listed && policy_n(policy, KEY_NETWORK) != NETWORK_HOST)
		return fail_at(&policy->ports_from, e,
			       "network.connect and network.bind need mode: host; without it "
			       "there is no network at all");
	return 0;
}

/* Without namespaces these are not merely missing: there is nothing to install. */
#define NEVER_IN_PROCESS                                                                           \
	(LAYER_BIT(LAYER_USERNS) | LAYER_BIT(LAYER_MOUNTNS) | LAYER_BIT(LAYER_PIDNS) |             \
	 LAYER_BIT(LAYER_NETNS) | LAYER_BIT(LAYER_IPCNS) | LAYER_BIT(LAYER_UTSNS) |                \
	 LAYER_BIT(LAYER_CGROUPNS) | LAYER_BIT(LAYER_TIMENS) | LAYER_BIT(LAYER_ROOTFS) |           \
	 LAYER_BIT(LAYER_PROC))

static bool is_on(const struct policy *policy, enum policy_key key)
{
	return policy_n(policy, key) != 0;
}

static bool is_stated(const struct policy *policy, enum policy_key key)
{
	return policy->values[key].set;
}

static bool is_not_off(const struct policy *policy, enum policy_key key)
{
	return policy_n(policy, key) != (key == KEY_SPEC ? SPEC_OFF : CORE_SCHED_OFF);
}

static bool is_none(const struct policy *policy, enum policy_key key)
{
	return policy_n(policy, key) == 0;
}

static int check_required_keys(const struct policy *policy, struct err *e)
{
	static const struct {
		enum layer layer;
		enum policy_key key;
		bool (*holds)(const struct policy *policy, enum policy_key key);
		const char *fix;
	} rows[] = {
		{ LAYER_MDWE, KEY_MDWE, is_on, "true" },
		{ LAYER_TSC, KEY_NO_TSC, is_on, "true" },
		{ LAYER_SPEC, KEY_SPEC, is_not_off, "strict" },
		{ LAYER_CORE_SCHED, KEY_CORE_SCHED, is_not_off, "on" },
		{ LAYER_NETNS, KEY_NETWORK, is_none, "none" },
		{ LAYER_CG_MEMORY, KEY_MEMORY, is_stated, "256M" },
		{ LAYER_CG_SWAP, KEY_SWAP, is_stated, "0" },
		{ LAYER_CG_PIDS, KEY_PIDS, is_stated, "64" },
		{ LAYER_CG_CPU, KEY_CPUS, is_stated, "1" },
	};
	char text[160];

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		if (!(policy->require & LAYER_BIT(rows[i].layer)) ||
		    rows[i].holds(policy, rows[i].key))
			continue;
		snprintf(text, sizeof(text),
			 "require names %s, but the policy does not ask for it; set %s: %s",
			 layer_name(rows[i].layer), policy_key_row(rows[i].key)->path, rows[i].fix);
		return fail_at(&policy->require_from, e, text);
	}
	return 0;
}

static int check_required(const struct policy *policy, struct err *e)
{
	const bool is_process = policy_n(policy, KEY_BOUNDARY) == BOUNDARY_PROCESS;
	const uint64_t never = is_process ? policy->require & NEVER_IN_PROCESS : 0;
	char text[160];

	if (!never)
		return check_required_keys(policy, e);
	snprintf(text, sizeof(text),
		 "require names %s, which boundary process never has; use boundary: container",
		 layer_name((enum layer)__builtin_ctzll(never)));
	return fail_at(&policy->require_from, e, text);
}

int policy_check(const struct policy *policy, struct err *e)
{
	static int (*const checks[])(const struct policy *policy, struct err *e) = {
		check_places,
		check_root,
		check_image,
		check_ports,
		check_required,
	};

	for (size_t i = 0; i < ARRAY_SIZE(checks); i++)
		if (checks[i](policy, e) < 0)
			return -1;
	return 0;
}
