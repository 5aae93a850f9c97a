/* What belongs around a boundary, what remains behind it, and what a policy leaves open: rows. */
#include "judge/advise.h"

#define W(word)       WORD_BIT(WORD_##word)
#define B(boundary)   (1u << BOUNDARY_##boundary)
#define SHARED_KERNEL (B(PROCESS) | B(CONTAINER))
#define ENGINES       (B(WASM) | B(JS))
#define EVERY         (B(PROCESS) | B(CONTAINER) | B(GVISOR) | B(MICROVM) | ENGINES)

/* Rows are for any of the boundaries and, as threat_is() has it, for a threat. */
struct row {
	unsigned boundaries;
	uint64_t when;
	const char *what, *how;
};

static const struct row surroundings[] = {
	{ B(PROCESS), 0, "two filters and Landlock in one process, no right to gain",
	  "the policy `default`, or `strict` where the program is one process" },
	{ B(CONTAINER), 0, "Landlock, two filters and no capability inside the namespaces, so that no layer stands alone",
	  "`ward selftest --matrix` shows what hangs on which layer" },
	{ B(GVISOR), 0, "the kernel in user space inside a container: its own identity, namespaces, filter, no capability",
	  "no host directory, device or socket is passed in" },
	{ B(MICROVM), 0, "the monitor inside a container with an identity of its own, its image files and nothing else",
	  "few devices, and a filter for the monitor's calls alone" },
	{ B(MICROVM), 0, "the program inside the guest as an ordinary user under `process`",
	  "so that one bug in the guest's kernel is needed before the monitor can be tried" },
	{ B(WASM), 0, "the engine inside a container without files, network or rights",
	  "a broken engine is then where hostile native code would be: behind one more bug" },
	{ B(WASM), W(TENANTS_HOSTILE) | W(TENANTS_TRUSTED), "only functions that cannot widen the module's reach, keys scoped to one tenant",
	  "no function that fetches, opens or executes" },
	{ B(JS), 0, "the engine inside a container without files, network or rights, code from strings refused",
	  "no object of the host crosses into the script, only bytes" },
	{ ENGINES, W(TENANTS_HOSTILE) | W(TENANTS_TRUSTED), "one tenant in a process, never two isolates of different tenants",
	  "inside one address space speculation reads across (CVE-2017-5753)" },
	{ EVERY, W(TENANTS_HOSTILE), "a fresh box for every job, destroyed and never cleaned for reuse",
	  "what is not reused cannot be incompletely reset" },
	{ EVERY, W(TENANTS_HOSTILE), "no core shared by two tenants at once", "hardening.core_sched: on, or limits to processors of one's own" },
	{ EVERY, W(STAKE_SECRETS), "no secret inside: a broker outside adds credentials to the requests it allows",
	  "env.keep names nothing that is a key; no grant covers one" },
	{ EVERY, W(STAKE_NETWORK), "no network, or the hosts on a list and nothing else",
	  "network: none; a metadata service or an internal host is never on the list" },
	{ EVERY, W(CONTROLS_BUILD), "unpacking, compiling and testing inside the box as well",
	  "every tool that touches the bytes runs where the bytes do" },
	{ EVERY, W(CONTROLS_DEPENDENCIES), "fetching in one box with a network, building in another without one",
	  "what was fetched goes across as a read-only grant" },
	{ EVERY, W(STAKE_RESULT), "the verdict from ward's result, never from what the program printed",
	  "--result FILE; what the program wrote is taken out as data by nobody with rights" },
	{ EVERY, W(STAKE_AVAILABILITY), "limits on time, processor, memory, processes, disk and output",
	  "require: [cgroup-memory, cgroup-pids], so that a limit that cannot be set refuses the run" },
};

static const struct row risks[] = {
	{ SHARED_KERNEL, 0, "a bug in the host's kernel ends the containment",
	  "patch within days, keep the policy's list of calls short, restart what runs long" },
	{ B(GVISOR), 0, "a bug in the kernel in user space and another in what is left of the host's; page faults, "
			"scheduling and signals are the host's own",
	  "update both; pass nothing of the host in" },
	{ B(MICROVM), 0, "a bug in KVM is a bug in the host's kernel (CVE-2021-29657); one in the monitor leaves its jail",
	  "no nested virtualisation for guests, few devices, updates" },
	{ ENGINES, 0, "a bug in the engine puts the attacker into the container behind it, and one in the kernel ends that",
	  "update the engine at once, refuse compiled code from outside, run without a just-in-time compiler where speed allows" },
	{ EVERY, W(TENANTS_HOSTILE) | W(TENANTS_TRUSTED), "caches, memory and branch predictors are shared: no boundary on one host stops measuring them",
	  "core scheduling, processors of one's own; for keys worth it a host of one's own" },
	{ EVERY, W(TENANTS_ALONE) | W(STAKE_SECRETS), "secrets of other processes can be measured through shared caches",
	  "keep long-lived keys off this host" },
	{ EVERY, W(NEEDS_NETWORK), "every host that may be reached can carry data out, one request at a time",
	  "list few hosts, count bytes, let a broker see requests" },
	{ EVERY, W(CONTROLS_BUILD) | W(STAKE_RESULT), "the artefact does what its source says, which nobody has read",
	  "treat what was built as hostile until it was reviewed; sign after review, not after building" },
	{ EVERY, W(AUTHOR_KNOWN) | W(POWER_TRICKS), "that nobody of them uses a kernel exploit is your assumption, not a property",
	  "when anybody may submit, write author: stranger and ask again" },
	{ EVERY, W(DISPOSABLE_YES), "that the host is thrown away, and holds nothing, is your promise, not ward's",
	  "no credentials on it, no network position, a new image for every job" },
	{ EVERY, W(KERNEL_UNKNOWN) | W(KERNEL_OLD), "nobody has said that the host's kernel is kept patched",
	  "state host.kernel, and make it true" },
	{ EVERY, 0, "all of this stands on the processor, the kernel's set-up code and ward itself being right",
	  "`ward selftest` after each update of any of them" },
};

static void take(const struct row *rows, size_t n, const struct advice *advice,
		 struct advise_text *out, size_t *n_out)
{
	const int used = advice->of->proposed >= 0 && !advice->is_refused ? advice->of->proposed :
									    advice->chosen;

	for (size_t i = 0; used >= 0 && i < n; i++)
		if ((rows[i].boundaries & (1u << used)) && threat_is(advice->of->threat, rows[i].when) &&
		    *n_out < ADVISE_TEXTS)
			out[(*n_out)++] = (struct advise_text){ rows[i].what, rows[i].how };
}

/* What a policy says that the threat forbids. A key that is not set has no limit. */
enum test { IS, IS_NOT, UNSET };
static const struct {
	uint64_t when;
	enum policy_key key;
	enum test test;
	uint64_t n;
	const char *what, *how;
} open_ends[] = {
	{ W(STAKE_NETWORK), KEY_NETWORK, IS, NETWORK_HOST,
	  "the policy gives the host's network, and what the host can reach is at stake", "network: none" },
	{ W(POWER_HOSTILE), KEY_THREAT, IS_NOT, THREAT_HOSTILE,
	  "the policy calls the program's author known or own, and the code is hostile", "threat: hostile" },
	{ W(STAKE_AVAILABILITY), KEY_MEMORY, UNSET, 0, "the policy sets no limit of memory", "limits: {memory: 256M}" },
	{ W(STAKE_AVAILABILITY), KEY_PIDS, UNSET, 0, "the policy sets no limit of processes", "limits: {pids: 64}" },
	{ W(STAKE_AVAILABILITY), KEY_WALL, UNSET, 0, "the policy sets no limit of time", "limits: {wall: 60s}" },
	{ W(STAKE_AVAILABILITY), KEY_CPU, UNSET, 0, "the policy sets no limit of processor time", "limits: {cpu: 30s}" },
	{ W(STAKE_AVAILABILITY), KEY_OUTPUT, UNSET, 0, "the policy sets no limit of output", "limits: {output: 16M}" },
	{ W(TENANTS_HOSTILE), KEY_CORE_SCHED, IS, CORE_SCHED_OFF,
	  "the policy switches core scheduling off, and neighbours are hostile", "hardening: {core_sched: on}" },
};

static void add_gap(struct advice *advice, const char *what, const char *how)
{
	if (advice->n_gaps < ADVISE_TEXTS)
		advice->gaps[advice->n_gaps++] = (struct advise_text){ what, how };
}

static void find_gaps(struct advice *advice)
{
	const struct policy *const policy = advice->of->policy;

	for (size_t i = 0; i < ARRAY_SIZE(open_ends); i++) {
		const struct policy_value *const value = &policy->values[open_ends[i].key];
		const bool is_open = open_ends[i].test == UNSET ? !value->set :
				     open_ends[i].test == IS	 ? value->n == open_ends[i].n :
								   value->n != open_ends[i].n;

		if (is_open && threat_is(advice->of->threat, open_ends[i].when))
			add_gap(advice, open_ends[i].what, open_ends[i].how);
	}
	if ((policy->fallback & FALLBACK_PROCESS) && !advice->rows[BOUNDARY_PROCESS].contains)
		add_gap(advice, "the policy may fall back to process, which does not contain this attacker",
			"fallback: []");
	if ((policy->fallback & FALLBACK_RLIMITS) && advice->demands[PROPERTY_USE] &&
	    advice->demands[PROPERTY_USE]->least == HOLDS_YES)
		add_gap(advice, "the policy may fall back to limits for each process, which more processes pass",
			"fallback: [], require: [cgroup-memory, cgroup-pids]");
}

void advise_surround(struct advice *advice)
{
	take(surroundings, ARRAY_SIZE(surroundings), advice, advice->around, &advice->n_around);
	take(risks, ARRAY_SIZE(risks), advice, advice->remains, &advice->n_remains);
	if (advice->of->policy)
		find_gaps(advice);
}
