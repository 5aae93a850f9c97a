/* The place a process is in, as far as /proc tells. What it does not tell stays unknown. */
#include "judge/place_process.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define L(layer) LAYER_BIT(LAYER_##layer)
/* Nothing outside a process can ask the kernel for these. */
#define NOWHERE (L(LANDLOCK) | L(MDWE) | L(TSC) | L(NESTED) | L(SESSION) | PLACE_SCOPED | PLACE_PORTS)

static const struct {
	const char *name;
	enum layer layer;
} namespaces[PLACE_NAMESPACES] = {
	[NS_USER] = { "user", LAYER_USERNS }, [NS_MOUNT] = { "mnt", LAYER_MOUNTNS },
	[NS_PID] = { "pid", LAYER_PIDNS },    [NS_NET] = { "net", LAYER_NETNS },
	[NS_IPC] = { "ipc", LAYER_IPCNS },    [NS_UTS] = { "uts", LAYER_UTSNS },
	[NS_CGROUP] = { "cgroup", LAYER_CGROUPNS }, [NS_TIME] = { "time", LAYER_TIMENS },
};

const char *place_ns_name(enum place_ns ns)
{
	return ns < PLACE_NAMESPACES ? namespaces[ns].name : NULL;
}

/* The value behind "Key:" at the start of a line, without blanks before it; NULL: no such line. */
static const char *value_of(const char *text, const char *key)
{
	const size_t len = strlen(key);

	for (const char *p = text; p && *p; p = strchr(p, '\n')) {
		p += *p == '\n';
		if (strncmp(p, key, len) == 0 && p[len] == ':')
			return p + len + 1 + strspn(p + len + 1, "\t ");
	}
	return NULL;
}

static bool begins(const char *text, const char *with)
{
	return text && strncmp(text, with, strlen(with)) == 0;
}

static void settle(struct place *place, uint64_t bit, enum known is_held)
{
	if (is_held == KNOWN_YES)
		place->holds |= bit;
	if (is_held == KNOWN_NOT)
		place->unknown |= bit;
}

static enum known known(bool claim)
{
	return claim ? KNOWN_YES : KNOWN_NO;
}

/* What it has now; and whether exec can give it more. */
static void read_caps(struct place *place, const char *status, bool no_new_privs)
{
	static const char *const sets[] = { "CapInh", "CapPrm", "CapEff", "CapAmb" };
	const char *const bounding = value_of(status, "CapBnd");

	if (!bounding) {
		settle(place, L(CAPS) | PLACE_NO_CAPS, KNOWN_NOT);
		return;
	}
	for (size_t i = 0; i < ARRAY_SIZE(sets); i++) {
		const char *const value = value_of(status, sets[i]);

		place->caps |= value ? strtoull(value, NULL, 16) : 0;
	}
	settle(place, PLACE_NO_CAPS, known(!place->caps));
	settle(place, L(CAPS), known(!place->caps && (no_new_privs || !strtoull(bounding, NULL, 16))));
}

/* Source: fs/proc/array.c, task_seccomp(); include/linux/prctl.h, PR_SPEC_* */
static enum known is_restricted(const char *value)
{
	static const char *const words[] = {
		"not vulnerable", "not affected", "globally mitigated", "thread force mitigated", "thread mitigated",
		"always disabled", "conditional force disabled", "conditional disabled",
	};

	if (!value || begins(value, "unknown"))
		return KNOWN_NOT;
	for (size_t i = 0; i < ARRAY_SIZE(words); i++)
		if (begins(value, words[i]))
			return KNOWN_YES;
	return KNOWN_NO;
}

static void read_speculation(struct place *place, const char *status)
{
	const enum known store = is_restricted(value_of(status, "Speculation_Store_Bypass"));
	const enum known branch = is_restricted(value_of(status, "SpeculationIndirectBranch"));

	settle(place, L(SPEC), store == KNOWN_NO || branch == KNOWN_NO ? KNOWN_NO :
			       store == KNOWN_NOT || branch == KNOWN_NOT ? KNOWN_NOT : KNOWN_YES);
}

/* One byte: the kernel then starts no program for a dump, either. Source: fs/coredump.c, do_coredump() */
static bool has_core_limit(const char *limits)
{
	const char *const line = limits ? strstr(limits, "Max core file size") : NULL;
	char *end;

	return line && strtoull(line + strlen("Max core file size"), &end, 10) == 1 && *end == ' ';
}

static void read_user(struct place *place, const struct process_facts *facts)
{
	const char *const value = value_of(facts->status, "Uid");
	const unsigned long uid = value ? strtoul(value, NULL, 10) : 0;

	if (!value) {
		place->unknown |= PLACE_NOT_ROOT | L(IDENTITY) | PLACE_OWN_USER | L(DUMP);
		return;
	}
	settle(place, PLACE_NOT_ROOT | L(IDENTITY), known(uid != 0));
	settle(place, PLACE_OWN_USER, uid == 0 || uid == facts->own_uid ? KNOWN_NO : KNOWN_NOT);
	settle(place, L(DUMP), has_core_limit(facts->limits) || (facts->is_hidden && uid) ? KNOWN_YES : KNOWN_NOT);
}

static void read_status(struct place *place, const struct process_facts *facts)
{
	const char *const privs = value_of(facts->status, "NoNewPrivs");
	const char *const seccomp = value_of(facts->status, "Seccomp");
	const char *const name = value_of(facts->status, "Name");

	if (!facts->status)
		place_add_missing(place, "/proc/%d/status cannot be read", facts->pid);
	place->name = name ? arena_printf(&place->arena, "process %d (%.*s)", facts->pid, (int)strcspn(name, "\n"), name) :
			     arena_printf(&place->arena, "process %d", facts->pid);
	settle(place, L(NNP), privs ? known(*privs == '1') : KNOWN_NOT);
	settle(place, L(SECCOMP), seccomp ? known(*seccomp == '2') : KNOWN_NOT);
	read_caps(place, facts->status, begins(privs, "1"));
	read_speculation(place, facts->status);
	read_user(place, facts);
}

static void read_namespaces(struct place *place, const struct process_facts *facts)
{
	for (unsigned i = 0; i < PLACE_NAMESPACES; i++) {
		const enum known same = facts->same_ns[i];

		settle(place, LAYER_BIT(namespaces[i].layer),
		       same == KNOWN_NOT ? KNOWN_NOT : same == KNOWN_NO ? KNOWN_YES : KNOWN_NO);
		if (same == KNOWN_NOT)
			place_add_missing(place, "/proc/%d/ns/%s cannot be read", facts->pid, namespaces[i].name);
	}
}

/* A namespace of its own holds nothing when what it was meant to hide is mounted in it: a copy of the host's
 * tree (unshare -m), or the host's /proc. */
static void read_tree(struct place *place)
{
	const uint32_t bad = PLACE_WRITE | PLACE_SUID | PLACE_DEV;

	for (size_t i = 0; i < place->n_mounts; i++) {
		const struct place_mount *const mount = &place->mounts[i];
		const bool is_hosts = mount->from && strcmp(mount->from, "/") == 0;

		if (is_hosts)
			place->holds &= ~L(MOUNTNS);
		if (strcmp(mount->at, "/") == 0 && !mount->from && !(mount->flags & bad))
			place->holds |= L(ROOTFS);
		if (strcmp(mount->type, "proc") == 0 && mount->from)
			place->holds &= ~L(PIDNS);
	}
}

/* Nodes that somebody made in a /dev of its own; those that are mounts are in the list already. */
static void read_nodes(struct place *place, const struct process_facts *facts)
{
	const size_t n_mounts = place->n_mounts;

	if (facts->has_nodes == KNOWN_NOT)
		place_add_missing(place, "the devices in /proc/%d/root/dev cannot be listed", facts->pid);
	for (size_t i = 0; i < facts->n_nodes; i++) {
		bool is_mount = false;

		for (size_t k = 0; k < n_mounts; k++)
			is_mount |= strcmp(place->mounts[k].at, facts->nodes[i]) == 0;
		if (!is_mount)
			place_add_mount(place, &(struct place_mount){
				.at = facts->nodes[i], .from = facts->nodes[i], .type = "device",
				.flags = PLACE_WRITE | PLACE_DEV | PLACE_FILE,
			});
	}
}

static void read_mounts(struct place *place, const struct process_facts *facts)
{
	if (!facts->mounts) {
		place_add_missing(place, "/proc/%d/mountinfo cannot be read", facts->pid);
		place->unknown |= L(ROOTFS) | L(PROC);
		return;
	}
	place_read_mounts(place, facts->mounts, facts->own_mounts);
	read_tree(place);
	read_nodes(place, facts);
	if (place->mounts_cut)
		place_add_missing(place, "more than %d mounts: the others are not judged", PLACE_LISTED);
}

/* "Max open files            256                  256                  files": the soft limit. */
static void read_limits(struct place *place, const struct process_facts *facts)
{
	static const struct {
		const char *name;
		enum place_limit limit;
		unsigned times;
	} rows[] = {
		{ "Max cpu time", PLACE_CPU_TIME, 1000 }, { "Max file size", PLACE_FSIZE, 1 },
		{ "Max address space", PLACE_MEMORY, 1 }, { "Max data size", PLACE_MEMORY, 1 },
		{ "Max processes", PLACE_PIDS, 1 },       { "Max open files", PLACE_FILES, 1 },
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		const char *const line = facts->limits ? strstr(facts->limits, rows[i].name) : NULL;
		const char *const value = line ? line + strlen(rows[i].name) : NULL;
		struct place_bound *const bound = &place->bounds[rows[i].limit];
		const uint64_t n = value ? strtoull(value, NULL, 10) * rows[i].times : 0;

		if (!value || bound->each == KNOWN_YES)
			continue;
		bound->each = known(!begins(value + strspn(value, " "), "unlimited"));
		if (bound->each == KNOWN_YES && bound->whole != KNOWN_YES)
			bound->n = n;
	}
	settle(place, L(RLIMITS), !facts->limits ? KNOWN_NOT : known(place->bounds[PLACE_FILES].each == KNOWN_YES));
	if (!facts->limits)
		place_add_missing(place, "/proc/%d/limits cannot be read", facts->pid);
}

static void read_groups(struct place *place, const struct process_facts *facts)
{
	static const enum layer layers[] = {
		[PLACE_MEMORY] = LAYER_CG_MEMORY, [PLACE_SWAP] = LAYER_CG_SWAP, [PLACE_PIDS] = LAYER_CG_PIDS,
		[PLACE_CPUS] = LAYER_CG_CPU,      [PLACE_IO] = LAYER_CG_IO,
	};

	memcpy(place->bounds, facts->bounds, sizeof(place->bounds));
	for (size_t i = 0; i < ARRAY_SIZE(layers); i++)
		settle(place, LAYER_BIT(layers[i]), facts->bounds[i].whole);
	/* Of these the kernel knows only the limit of each process, and of the clock none at all. */
	place->bounds[PLACE_FILES].whole = place->bounds[PLACE_FSIZE].whole = KNOWN_NO;
	for (unsigned i = PLACE_SWAP; i <= PLACE_IO; i++)
		if (i != PLACE_PIDS)
			place->bounds[i].each = KNOWN_NO;
	place->bounds[PLACE_WALL].each = KNOWN_NO;
}

/* Field 7 of stat, behind the name, which may hold blanks and brackets. */
static void read_terminal(struct place *place, const struct process_facts *facts)
{
	const char *p = facts->stat ? strrchr(facts->stat, ')') : NULL;
	bool has_own = false;

	for (unsigned i = 0; p && i < 5; i++)
		p = strchr(p + 1, ' ');
	for (size_t i = 0; i < place->n_mounts; i++)
		has_own |= strcmp(place->mounts[i].type, "devpts") == 0 && !place->mounts[i].from;
	settle(place, PLACE_NO_TERMINAL, !p ? KNOWN_NOT : known(has_own || strtol(p, NULL, 10) == 0));
}

static uint32_t fd_flags(const char *info)
{
	const char *const flags = value_of(info, "flags");

	switch (flags ? strtoul(flags, NULL, 8) & 3 : 3) {
	case 0:
		return PLACE_READS;
	case 1:
		return PLACE_WRITES;
	default:
		return PLACE_READS | PLACE_WRITES;
	}
}

static void read_fds(struct place *place, const struct process_facts *facts)
{
	bool any = false;

	for (size_t i = 0; i < facts->n_fds; i++) {
		place_add_fd(place, &(struct place_fd){ .number = facts->fds[i].number,
							.what = facts->fds[i].target,
							.flags = fd_flags(facts->fds[i].info) });
		any |= facts->fds[i].number > 2;
	}
	settle(place, L(FDS), facts->fds_known ? known(!any) : KNOWN_NOT);
	if (!facts->fds_known)
		place_add_missing(place, "/proc/%d/fd cannot be listed", facts->pid);
	if (place->fds_cut)
		place_add_missing(place, "more than %d descriptors: the others are not judged", PLACE_LISTED);
}

/* Lines of net/tcp with the state "listen". Source: include/net/tcp_states.h */
static uint32_t count_listening(const char *text)
{
	uint32_t n = 0;

	for (const char *p = text; p && *p; p = strchr(p, '\n')) {
		unsigned state = 0;

		p += *p == '\n';
		n += sscanf(p, " %*u: %*64[0-9A-F:] %*64[0-9A-F:] %2x", &state) == 1 && state == 0x0a;
	}
	return n;
}

/* Lines of net/unix whose name begins with '@'. */
static uint32_t count_abstract(const char *text)
{
	uint32_t n = 0;

	for (const char *p = text; p && (p = strstr(p, " @")); p += 2)
		n++;
	return n;
}

/* net/dev has a line "  eth0: 1 2 3" for each, below two of headings without a colon. */
static void read_interfaces(struct place *place, const char *text)
{
	bool has_other = false;

	for (const char *p = text; p && *p; p = strchr(p, '\n')) {
		p += *p == '\n';
		p += strspn(p, " ");
		has_other |= p[strcspn(p, ":\n")] == ':' && !begins(p, "lo:");
	}
	settle(place, PLACE_OFFLINE, !text ? KNOWN_NOT : known(!has_other));
}

void place_from_process(struct place *place, const struct process_facts *facts)
{
	place->unknown = NOWHERE;
	read_status(place, facts);
	read_namespaces(place, facts);
	read_mounts(place, facts);
	read_groups(place, facts);
	read_limits(place, facts);
	read_terminal(place, facts);
	read_fds(place, facts);
	read_interfaces(place, facts->interfaces);
	settle(place, L(CORE_SCHED), facts->has_cookie);
	settle(place, PLACE_ONE_THREAD, facts->smt == KNOWN_NOT ? KNOWN_NOT : known(facts->smt == KNOWN_NO));
	if (!(place->holds & L(NETNS))) {
		place->listening = count_listening(facts->tcp) + count_listening(facts->tcp6);
		place->abstract = count_abstract(facts->unix_sockets);
	}
}
