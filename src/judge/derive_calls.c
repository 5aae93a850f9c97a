/* The system calls of a derived policy. Refuses to narrow what says which object a call works on, a
 * pointer, a length, a descriptor: that differs in every run and tells nothing. */
#include <errno.h>
#include <inttypes.h>
#include <linux/futex.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "judge/derive_parts.h"
#include "model/syscalls.h"

#define SPLITS   128    /* rules that may be made of one call each; a policy holds 256 in all */
/* linux/posix-timers.h: negative, CPUCLOCK_SCHED; the low two bits of a device's clock are 11. */
#define THREAD_CLOCK_MASK 0x80000003u
#define THREAD_CLOCK      0x80000002u
#define PRODUCT  512    /* combinations of one rule, as the reader of policies bounds them */

/* Arguments that choose what a call does, by position:
 *   v  values: flags, commands, families, protocols, modes    z  only when it was 0: NULL, "myself"
 *   k  a clock: fixed ones as values, those of threads by their form    .  never
 *   s  modes of files: only that set-id bits stay clear, for the rest of it is garbage when nothing is made
 *   w  values of futex(2), and plain waiting and waking with them: who comes first waits */
static const struct shape {
	char name[20];
	char args[7];
} shapes[] = {
	{ "accept4", "...v" }, { "access", ".v" }, { "arch_prctl", "v" }, { "chmod", ".v" },
	{ "clock_getres", "k" }, { "clock_gettime", "k" }, { "clock_nanosleep", "kv" }, { "clone", "v" },
	{ "close_range", "..v" }, { "creat", ".s" }, { "dup3", "..v" }, { "epoll_create1", "v" }, { "epoll_ctl", ".v" },
	{ "eventfd2", ".v" }, { "execveat", "....v" }, { "faccessat", "..v" }, { "faccessat2", "..vv" },
	{ "fadvise64", "...v" }, { "fallocate", ".v" }, { "fchmod", ".v" }, { "fchmodat", "..v" },
	{ "fchmodat2", "..vv" }, { "fchownat", "....v" }, { "fcntl", ".v" }, { "flock", ".v" },
	{ "fsetxattr", "....v" }, { "futex", ".w" }, { "get_robust_list", "z" }, { "getitimer", "v" },
	{ "getpriority", "vz" }, { "getrandom", "..v" }, { "getrlimit", "v" }, { "getrusage", "v" },
	{ "getsockopt", ".vv" }, { "inotify_init1", "v" }, { "ioctl", ".v" }, { "ioprio_get", "vz" },
	{ "ioprio_set", "vz" }, { "kill", ".v" }, { "linkat", "....v" }, { "lseek", "..v" },
	{ "madvise", "..v" }, { "membarrier", "vv" }, { "memfd_create", ".v" }, { "mkdir", ".v" },
	{ "mkdirat", "..v" }, { "mknod", ".v" }, { "mknodat", "..v" }, { "mlock2", "..v" }, { "mlockall", "v" }, { "mmap", "..vv" },
	{ "mprotect", "..v" }, { "mremap", "...v" }, { "msgctl", ".v" }, { "msync", "..v" },
	{ "newfstatat", "...v" }, { "open", ".vs" }, { "openat", "..vs" }, { "personality", "v" },
	{ "pidfd_open", ".v" }, { "pipe2", ".v" }, { "pkey_mprotect", "..v" }, { "prctl", "v" },
	{ "preadv2", ".....v" }, { "prlimit64", "zvz" }, { "pwritev2", ".....v" }, { "recvfrom", "...v" },
	{ "recvmmsg", "...v" }, { "recvmsg", "..v" }, { "renameat2", "....v" }, { "rt_sigaction", "v" },
	{ "rt_sigprocmask", "v" }, { "sched_getaffinity", "z" }, { "sched_getattr", "z..v" },
	{ "sched_getparam", "z" }, { "sched_getscheduler", "z" }, { "sched_setaffinity", "z" },
	{ "sched_setparam", "z" }, { "sched_setscheduler", "zv" }, { "seccomp", "vv" }, { "semctl", "..v" },
	{ "sendmmsg", "...v" }, { "sendmsg", "..v" }, { "sendto", "...v" }, { "setitimer", "v" },
	{ "setpriority", "vz" }, { "setresgid", "v.v" }, { "setresuid", "v.v" }, { "setrlimit", "v" },
	{ "setsockopt", ".vv" }, { "shmat", "..v" }, { "shmctl", ".v" }, { "shmget", "..v" },
	{ "shutdown", ".v" }, { "signalfd4", "...v" }, { "socket", "vvv" }, { "socketpair", "vvv" },
	{ "splice", ".....v" }, { "statx", "..vv" }, { "tee", "...v" }, { "tgkill", "..v" },
	{ "timer_create", "k" }, { "timer_settime", ".v" }, { "timerfd_create", "kv" },
	{ "timerfd_settime", ".v" }, { "tkill", ".v" }, { "unlinkat", "..v" }, { "utimensat", "...v" },
	{ "wait4", "..v" }, { "waitid", "v..v" },
};

/* One argument of a rule: a list of values, or the bits that were never set. */
struct chosen {
	uint8_t arg;
	bool is_mask;
	uint64_t never;                         /* is_mask: these bits are 0 */
	bool thread_clocks;                     /* and clocks of threads: a negative number, low bits 010 */
	uint64_t values[RECORD_VALUES];
	size_t n;
};

struct narrowed {
	uint32_t nr;
	struct chosen chosen[FILTER_TESTS];
	size_t n;
};

/* A call that was made, and where it stands in the policy. */
struct entry {
	uint32_t nr;
	const struct record_call *call;
	size_t purpose;                         /* of syscalls_group_at() */
	bool is_late;                           /* also made when start-up was over */
	bool is_refused;                        /* every time, or it can only be refused */
	struct narrowed narrowed;
};

static const char *shape_of(uint32_t nr)
{
	const char *const name = syscalls_name(nr);

	for (size_t i = 0; i < ARRAY_SIZE(shapes); i++)
		if (strcmp(shapes[i].name, name) == 0)
			return shapes[i].args;
	return "";
}

/* Where the arguments outside `known` do not tell, it is. */
static bool is_let(const struct deriving *d, uint32_t nr, const uint64_t args[6], unsigned known)
{
	return (!d->has_rows || filter_may_allow(&d->rows, nr, args, known)) &&
	       filter_may_allow(&d->floor, nr, args, known);
}

static bool is_list(const struct chosen *chosen)
{
	return !chosen->is_mask && !chosen->thread_clocks;
}

/* Counts like an odometer over the listed values of all arguments but `fixed` (FILTER_TESTS: none). Returns
 * how many combinations are let through, and their number in *all. */
static size_t count_let(const struct deriving *d, const struct narrowed *n, size_t fixed, size_t value,
			size_t *all)
{
	size_t at[FILTER_TESTS] = { 0 }, let = 0, i;
	uint64_t args[6] = { 0 };
	unsigned known = 0;

	for (size_t k = 0; k < n->n; k++)
		known |= is_list(&n->chosen[k]) || k == fixed ? 1u << n->chosen[k].arg : 0;
	*all = 0;
	do {
		for (size_t k = 0; k < n->n; k++)
			if (known >> n->chosen[k].arg & 1)
				args[n->chosen[k].arg] = n->chosen[k].values[k == fixed ? value : at[k]];
		let += is_let(d, n->nr, args, known);
		++*all;
		for (i = n->n; i > 0; i--) {
			if (i - 1 != fixed && is_list(&n->chosen[i - 1]) && ++at[i - 1] < n->chosen[i - 1].n)
				break;
			at[i - 1] = 0;
		}
	} while (i > 0);
	return let;
}

/* Values with which the call was never let through are not needed: it went on without. */
static void drop_refused(const struct deriving *d, struct entry *entry)
{
	for (size_t k = 0; k < entry->narrowed.n; k++) {
		struct chosen *const chosen = &entry->narrowed.chosen[k];
		size_t kept = 0, all;

		if (chosen->is_mask)
			continue;
		for (size_t v = 0; v < chosen->n; v++)
			if (count_let(d, &entry->narrowed, k, v, &all))
				chosen->values[kept++] = chosen->values[v];
		chosen->n = kept;
		if (!kept && !chosen->thread_clocks) {
			entry->is_refused = true;
			return;
		}
	}
}

static bool is_flags(uint32_t nr, unsigned arg)
{
	return strchr("SPMOCx", syscalls_arg_class(nr, arg)) != NULL;
}

static bool is_let_with(const struct deriving *d, uint32_t nr, unsigned arg, uint64_t value)
{
	uint64_t args[6] = { 0 };

	args[arg] = value;
	return is_let(d, nr, args, 1u << arg);
}

/* "Oneself", or NULL: the only value there was, or the only one that was let through. */
static bool choose_zero(const struct deriving *d, uint32_t nr, const struct record_call *call, unsigned arg,
			struct chosen *chosen)
{
	const struct record_arg *const seen = &call->args[arg];

	chosen->n = 1;
	return !seen->values[0] && (seen->n == 1 ? !seen->more :
				    !is_let_with(d, nr, arg, seen->values[1]));
}

/* Flags in too many combinations: those that were never set stay clear, and those that are refused. */
static bool choose_mask(const struct deriving *d, uint32_t nr, const struct record_call *call, unsigned arg,
			struct chosen *chosen)
{
	const uint64_t width = UINT64_MAX >> (64 - 8 * syscalls_arg_bytes(nr, arg));

	chosen->is_mask = true;
	chosen->never = ~call->args[arg].any & width;
	for (uint64_t bit = 1; bit && bit <= width; bit <<= 1)
		if (!(chosen->never & bit) && !is_let_with(d, nr, arg, bit) &&
		    is_let_with(d, nr, arg, 0))
			chosen->never |= bit;
	return is_flags(nr, arg) && chosen->never;
}

static bool is_tested(const struct filter_set *set, uint32_t nr, unsigned arg)
{
	const size_t n = filter_count(set);

	for (size_t i = 0; i < n; i++) {
		const struct filter_row *const row = filter_row_at(set, i);

		for (size_t t = 0; row->nr == nr && t < row->n_tests; t++)
			if (row->tests[t].arg == arg)
				return true;
	}
	return false;
}

/* The floor or the policy it ran under looks at this argument: a list that is cut is better than none. */
static bool is_judged(const struct deriving *d, uint32_t nr, unsigned arg)
{
	return is_tested(&d->floor, nr, arg) || (d->has_rows && is_tested(&d->rows, nr, arg));
}

/* A negative number is the clock of a thread or process, which has another number in every run. */
static bool choose_clock(const struct deriving *d, uint32_t nr, const struct record_arg *seen, struct chosen *chosen)
{
	bool is_whole = !seen->more;

	for (size_t i = 0; i < seen->n; i++)
		if (!is_let_with(d, nr, chosen->arg, seen->values[i]))
			continue;
		else if ((seen->values[i] & THREAD_CLOCK_MASK) == THREAD_CLOCK)
			chosen->thread_clocks = true;
		else if (seen->values[i] >> 31)
			is_whole = false;
		else
			chosen->values[chosen->n++] = seen->values[i];
	return is_whole || is_judged(d, nr, chosen->arg);
}

/* Set-id bits where nothing was made are garbage, but where something is they must not come back. */
static bool choose_mode(const struct deriving *d, uint32_t nr, const struct record_arg *seen, struct chosen *chosen)
{
	chosen->is_mask = true;
	chosen->never = S_ISUID | S_ISGID;
	return !(seen->any & chosen->never) || is_judged(d, nr, chosen->arg);
}

static void add_value(struct chosen *chosen, uint64_t value)
{
	size_t at = 0;

	while (at < chosen->n && chosen->values[at] < value)
		at++;
	if (chosen->n == RECORD_VALUES || (at < chosen->n && chosen->values[at] == value))
		return;
	memmove(&chosen->values[at + 1], &chosen->values[at], (chosen->n - at) * sizeof(*chosen->values));
	chosen->values[at] = value;
	chosen->n++;
}

/* A lock that nobody held in one run is waited for in the next. */
static void add_waiting(struct chosen *chosen)
{
	const struct chosen seen = *chosen;

	for (size_t i = 0; i < seen.n; i++) {
		const uint64_t flags = seen.values[i] & FUTEX_PRIVATE_FLAG;

		add_value(chosen, flags | FUTEX_WAIT);
		add_value(chosen, flags | FUTEX_WAKE);
	}
}

static bool choose(const struct deriving *d, uint32_t nr, const struct record_call *call, unsigned arg, char how,
		   struct chosen *chosen)
{
	const struct record_arg *const seen = &call->args[arg];

	*chosen = (struct chosen){ .arg = (uint8_t)arg };
	if (how == '.' || !seen->n)
		return false;
	if (how == 'z')
		return choose_zero(d, nr, call, arg, chosen);
	if (how == 'k')
		return choose_clock(d, nr, seen, chosen);
	if (how == 's')
		return choose_mode(d, nr, seen, chosen);
	if (seen->more && is_flags(nr, arg))
		return choose_mask(d, nr, call, arg, chosen);
	if (seen->more && !is_judged(d, nr, arg))
		return false;
	chosen->n = seen->n;
	memcpy(chosen->values, seen->values, seen->n * sizeof(*seen->values));
	if (how == 'w')
		add_waiting(chosen);
	return true;
}

static size_t product_of(const struct narrowed *n)
{
	size_t product = 1;

	for (size_t i = 0; i < n->n; i++)
		product *= n->chosen[i].is_mask ? 1 : n->chosen[i].n + n->chosen[i].thread_clocks;
	return product;
}

static void drop_widest(struct narrowed *n)
{
	size_t widest = 0;

	for (size_t i = 1; i < n->n; i++)
		if (n->chosen[i].n > n->chosen[widest].n)
			widest = i;
	memmove(&n->chosen[widest], &n->chosen[widest + 1], (n->n - widest - 1) * sizeof(*n->chosen));
	n->n--;
}

static void narrow(const struct deriving *d, struct entry *entry)
{
	const char *const shape = shape_of(entry->nr);
	struct narrowed *const n = &entry->narrowed;

	n->nr = entry->nr;
	for (unsigned arg = 0; shape[arg] && n->n < FILTER_TESTS; arg++)
		n->n += choose(d, entry->nr, entry->call, arg, shape[arg], &n->chosen[n->n]);
	drop_refused(d, entry);
	while (product_of(n) > PRODUCT)
		drop_widest(n);
}

/* The first group that is made of calls of one purpose and has this one. */
static size_t purpose_of(uint32_t nr)
{
	static const char *const mixed[] = { "@build", "@default", "@strict", "@startup" };
	const char *name;
	size_t i;

	for (i = 0; (name = syscalls_group_at(i)) != NULL; i++) {
		size_t n = 0, k = 0;
		const struct filter_row *const rows = syscalls_group(name, &n);

		while (k < ARRAY_SIZE(mixed) && strcmp(mixed[k], name) != 0)
			k++;
		for (size_t r = 0; r < n && k == ARRAY_SIZE(mixed); r++)
			if (rows[r].nr == nr && rows[r].act == FILTER_ALLOW)
				return i;
	}
	return i;
}

static int by_turn(const void *a, const void *b)
{
	const struct entry *const x = a, *const y = b;

	if (x->is_late != y->is_late)
		return x->is_late - y->is_late;
	if (x->purpose != y->purpose)
		return x->purpose < y->purpose ? -1 : 1;
	return strcmp(syscalls_name(x->nr), syscalls_name(y->nr));
}

/* What no box may call, or this one could not. */
static bool is_never_let(const struct deriving *d, uint32_t nr, const struct record_call *call)
{
	static const uint64_t any[6];

	return call->refused == call->count || !is_let(d, nr, any, 0);
}

static size_t collect(const struct deriving *d, struct entry *entries)
{
	static const struct record_call none = { .count = 0 };
	static const uint64_t any[6];
	size_t n = 0;

	for (uint32_t nr = 0; nr < RECORD_CALLS; nr++) {
		const struct record_call *const call = &d->record->calls[nr];
		const bool is_start = strcmp(syscalls_name(nr) ? syscalls_name(nr) : "", "execve") == 0;
		struct entry *const entry = &entries[n];

		if (!syscalls_name(nr) || (!call->count && !derive_unasked(d, nr)))
			continue;
		if (!call->count && !is_start && !is_let(d, nr, any, 0))
			continue;
		*entry = (struct entry){ .nr = nr, .call = call->count ? call : &none,
					 .purpose = purpose_of(nr),
					 .is_late = (call->phases & PHASE_STEADY) != 0 ||
						    (!call->count && !is_start) };
		entry->is_refused = !is_start && call->count && is_never_let(d, nr, entry->call);
		if (!entry->is_refused && !is_start)
			narrow(d, entry);
		n++;
	}
	qsort(entries, n, sizeof(*entries), by_turn);
	return n;
}

static void add_group_heading(const struct deriving *d, const struct entry *entry, const struct entry *before)
{
	const char *const group = syscalls_group_at(entry->purpose);

	if (before && before->is_late == entry->is_late && before->purpose == entry->purpose)
		return;
	str_addf(d->out, "    # %s: %s\n", entry->is_late ? "while it runs" : "start-up only",
		 group ? syscalls_group_summary(group) : "other calls");
}

static void add_allowed(const struct deriving *d, const struct entry *entries, size_t n)
{
	const struct entry *before = NULL;

	str_add(d->out, "  allow:\n");
	for (size_t i = 0; i < n; i++) {
		const struct entry *const entry = &entries[i];

		if (entry->is_refused || entry->narrowed.n)
			continue;
		add_group_heading(d, entry, before);
		before = entry;
		str_addf(d->out, "    - %-18s # ", syscalls_name(entry->nr));
		derive_reason(d, entry->nr, entry->call);
		str_add(d->out, "\n");
		d->counts->n_calls++;
	}
}

static void add_number(const struct deriving *d, uint32_t nr, unsigned arg, uint64_t value)
{
	const char *const name = syscalls_value_name(nr, arg, value);
	uint64_t said = 0;

	if (name && syscalls_constant(name, &said) && said == value)
		str_add(d->out, name);
	else if (value < 10)
		str_addf(d->out, "%" PRIu64, value);
	else
		str_addf(d->out, "0x%" PRIx64, value);
}

static void add_chosen(const struct deriving *d, uint32_t nr, const struct chosen *chosen)
{
	const char *before = "";

	str_addf(d->out, "arg%u: ", chosen->arg);
	if (chosen->is_mask) {
		str_addf(d->out, "{mask: 0x%" PRIx64 ", is: 0}", chosen->never);
		return;
	}
	str_add(d->out, "[");
	for (size_t i = 0; i < chosen->n; i++) {
		str_add(d->out, before);
		add_number(d, nr, chosen->arg, chosen->values[i]);
		before = ", ";
	}
	if (chosen->thread_clocks)
		str_addf(d->out, "%s{mask: 0x%x, is: 0x%x}", before, THREAD_CLOCK_MASK, THREAD_CLOCK);
	str_add(d->out, "]");
}

/* Values of flags that have no name of their own, in words. */
static void add_words(const struct deriving *d, uint32_t nr, const struct chosen *chosen)
{
	char text[128];
	const char *before = "; ";

	for (size_t i = 0; i < chosen->n && !chosen->is_mask; i++) {
		if (syscalls_value_name(nr, chosen->arg, chosen->values[i]) ||
		    !strchr("SPMOCUm", syscalls_arg_class(nr, chosen->arg)))
			continue;
		syscalls_format_arg(nr, chosen->arg, chosen->values[i], text, sizeof(text));
		str_add(d->out, before);
		derive_comment(d->out, text);
		before = ", ";
	}
}

static void add_rule(struct deriving *d, const struct entry *entry)
{
	const struct narrowed *const n = &entry->narrowed;

	str_addf(d->out, "    - call: %s\n      when: {", syscalls_name(entry->nr));
	for (size_t k = 0; k < n->n; k++) {
		str_add(d->out, k ? ", " : "");
		add_chosen(d, entry->nr, &n->chosen[k]);
	}
	str_add(d->out, "}\n");
	d->n_rules++;
}

/* Values of several arguments that were not all let through together: a rule for each value of the first. */
static bool must_split(const struct deriving *d, const struct entry *entry)
{
	size_t all, let;

	if (entry->narrowed.n < 2 || entry->narrowed.chosen[0].is_mask || entry->narrowed.chosen[0].thread_clocks)
		return false;
	let = count_let(d, &entry->narrowed, FILTER_TESTS, 0, &all);
	return let < all;
}

static struct entry with_lead(const struct deriving *d, const struct entry *entry, size_t value)
{
	struct entry one = *entry;

	one.narrowed.chosen[0].values[0] = entry->narrowed.chosen[0].values[value];
	one.narrowed.chosen[0].n = 1;
	drop_refused(d, &one);
	return one;
}

static void add_rules_of(struct deriving *d, const struct entry *entry, size_t *splits)
{
	const size_t n = entry->narrowed.chosen[0].n;

	if (!must_split(d, entry) || *splits + n > SPLITS) {
		add_rule(d, entry);
		return;
	}
	*splits += n;
	for (size_t v = 0; v < n; v++) {
		const struct entry one = with_lead(d, entry, v);

		if (!one.is_refused)
			add_rule(d, &one);
	}
}

static void add_narrowed(struct deriving *d, const struct entry *entries, size_t n)
{
	const struct entry *before = NULL;
	size_t splits = 0;

	for (size_t i = 0; i < n; i++) {
		const struct entry *const entry = &entries[i];

		if (entry->is_refused || !entry->narrowed.n)
			continue;
		add_group_heading(d, entry, before);
		before = entry;
		str_add(d->out, "    # ");
		derive_reason(d, entry->nr, entry->call);
		for (size_t k = 0; k < entry->narrowed.n; k++)
			add_words(d, entry->nr, &entry->narrowed.chosen[k]);
		str_add(d->out, "\n");
		add_rules_of(d, entry, &splits);
		d->counts->n_calls++;
		d->counts->n_narrowed++;
	}
}

/* The errno ward's own groups refuse the rest of a call with: programs know what to make of it. */
static uint16_t usual_errno(uint32_t nr)
{
	const char *name;

	for (size_t i = 0; (name = syscalls_group_at(i)) != NULL; i++) {
		size_t n = 0;
		const struct filter_row *const rows = syscalls_group(name, &n);

		for (size_t r = 0; r < n; r++)
			if (rows[r].nr == nr && rows[r].fallback && !rows[r].n_tests)
				return rows[r].sys;
	}
	return 0;
}

/* A refusal stands behind the rules that allow, so it is the rest of the call that it refuses; before a name
 * under `allow` it would refuse all. */
static void add_refusal(struct deriving *d, const struct entry *entry, bool kills)
{
	const uint16_t sys = usual_errno(entry->nr);

	str_addf(d->out, "    # %s: %" PRIu64 " of %" PRIu64 " calls were refused, and it went on\n",
		 syscalls_name(entry->nr), entry->is_refused ? entry->call->count : entry->call->refused,
		 entry->call->count);
	if (!sys || (sys == ENOSYS && !kills) || (!entry->is_refused && !entry->narrowed.n))
		return;
	str_addf(d->out, "    - {call: %s, action: errno, errno: %s}\n", syscalls_name(entry->nr),
		 strerrorname_np(sys));
	d->n_rules++;
}

static void add_refusals(struct deriving *d, const struct entry *entries, size_t n, bool kills)
{
	for (size_t i = 0; i < n; i++) {
		d->counts->n_refused += entries[i].is_refused;
		if (entries[i].call->refused || entries[i].is_refused)
			add_refusal(d, &entries[i], kills);
	}
}

void derive_calls(struct deriving *d)
{
	const bool kills = d->how->under && policy_n(d->how->under, KEY_SYS_DEFAULT) == SYS_KILL;
	OWN_MEM struct entry *entries = mem_alloc(RECORD_CALLS * sizeof(*entries));
	OWN(str) rules = STR_NONE;
	struct str *const out = d->out;
	const size_t n = collect(d, entries);

	str_addf(out, "syscalls:\n  default: %s  # what an unlisted call gets\n", kills ? "kill" : "errno");
	add_allowed(d, entries, n);
	d->out = &rules;
	add_narrowed(d, entries, n);
	add_refusals(d, entries, n, kills);
	d->out = out;
	if (d->n_rules)
		str_add(out, "  rules:\n");
	str_add(out, str_text(&rules));
}
