/* What the lists of a place say: files, devices, descriptors, limits. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "judge/surface_making.h"
#include "model/note.h"

#define L(layer) LAYER_BIT(LAYER_##layer)
#define BELOW_TREE (L(MOUNTNS) | L(ROOTFS) | L(LANDLOCK) | L(IDENTITY))

static bool is_type(const struct place_mount *mount, const char *type)
{
	return strcmp(mount->type, type) == 0;
}

static bool is_one_of(const struct place_mount *mount, const char *const *types)
{
	for (; *types; types++)
		if (is_type(mount, *types))
			return true;
	return false;
}

static const char *flags_in_words(struct making *m, const struct place_mount *mount)
{
	struct str text = STR_NONE;
	const char *copy;

	str_add(&text, !(mount->flags & PLACE_WRITE)  ? "read-only" :
		       mount->flags & PLACE_LOCKED ? "read-only by landlock" : "writable");
	str_add(&text, mount->flags & PLACE_EXEC ? ", exec" : ", noexec");
	str_add(&text, mount->flags & PLACE_SUID ? ", suid" : "");
	str_add(&text, mount->flags & PLACE_DEV ? ", dev" : "");
	if (mount->bytes)
		str_addf(&text, ", at most %" PRIu64 " %s", mount->bytes >> (mount->bytes >> 20 ? 20 : 10),
			 mount->bytes >> 20 ? "MiB" : "KiB");
	if (mount->from && strcmp(mount->from, mount->at) != 0)
		str_addf(&text, ", %s of the host", mount->from);
	copy = arena_copy(&m->surface->arena, str_text(&text), text.len);
	str_done(&text);
	return copy;
}

/* What a kind of mount means; the first row that fits. */
struct meaning {
	enum surface_kind kind;
	enum severity severity;
	uint32_t flow;
	const char *reason, *close;
};

static const struct meaning written = {
	SURFACE_FILE, SEVERITY_HIGH, FLOW_IN | FLOW_OUT | FLOW_RIGHT,
	"what it writes there stays, and whoever later runs, sources or trusts it does the box's bidding",
	"grant it with `read`, or grant an empty directory of its own",
};
static const struct meaning shown = {
	SURFACE_FILE, SEVERITY_LOW, FLOW_IN,
	"its contents are the program's, and which of its pages are in memory can be timed",
	"grant less, or an image instead of the host's files",
};
static const struct meaning whole = {
	SURFACE_FILE, SEVERITY_HIGH, FLOW_IN | FLOW_OUT | FLOW_RIGHT,
	"it is the host's whole tree: permission bits alone stand before every file",
	"boundary: container, and grants of what is needed",
};
static const struct meaning setuid = {
	SURFACE_FILE, SEVERITY_MEDIUM, FLOW_IN | FLOW_RIGHT,
	"it honours set-user-ID bits: programs there may run with another user's rights",
	"mount it nosuid: ward mounts everything so",
};
static const struct meaning made = {
	SURFACE_FILE, SEVERITY_INFO, FLOW_IN, "directories, links and a few files made for it alone", "",
};
static const struct meaning space = {
	SURFACE_FILE, SEVERITY_INFO, FLOW_OUT, "memory of its own, gone at the end", "",
};
static const struct meaning apart = {
	SURFACE_FILE, SEVERITY_LOW, FLOW_IN | FLOW_OUT,
	"a file system that is not mounted here: who else has it, and whether it outlives the process, is not known", "",
};
static const struct meaning workshop = {
	SURFACE_FILE, SEVERITY_LOW, FLOW_OUT,
	"it can write a program and run it: no list of programs holds, only the other layers do",
	"leave `exec: true` out of the scratch grant; hardening.mdwe: true",
};
static const struct meaning endless = {
	SURFACE_FILE, SEVERITY_MEDIUM, FLOW_OUT, "memory without a bound of its own", "give it a size",
};
static const struct meaning node = {
	SURFACE_DEVICE, SEVERITY_INFO, FLOW_IN | FLOW_OUT, "a device that holds no state of anybody's", "",
};
static const struct meaning nodes = {
	SURFACE_DEVICE, SEVERITY_HIGH, FLOW_IN | FLOW_OUT | FLOW_RIGHT,
	"device nodes of the host work there: drivers, disks and memory, as far as permission bits let it",
	"a /dev of its own with the harmless four: ward makes one",
};
static const struct meaning own_proc = {
	SURFACE_DEVICE, SEVERITY_INFO, FLOW_IN, "shows its own processes and nothing else", "proc: none",
};
static const struct meaning other_proc = {
	SURFACE_DEVICE, SEVERITY_MEDIUM, FLOW_IN | FLOW_RIGHT,
	"kernel settings and statistics of the host stand in it, and /proc/sys can be written by user 0",
	"proc: pid, which leaves out all that is not about its processes",
};
static const struct meaning kernel_files = {
	SURFACE_DEVICE, SEVERITY_HIGH, FLOW_IN | FLOW_OUT | FLOW_RIGHT,
	"switches of the kernel: release_agent, hotplug, power and debugging have each been a way out",
	"mount none of them: ward mounts none",
};
static const struct meaning kernel_shown = {
	SURFACE_DEVICE, SEVERITY_MEDIUM, FLOW_IN, "tells hardware, addresses and neighbours",
	"mount none of them: ward mounts none",
};

static const char *const kernel_types[] = { "sysfs",      "cgroup",  "cgroup2",   "debugfs", "tracefs",
					    "securityfs", "configfs", "efivarfs", "bpf",     "pstore", NULL };
static const char *const quiet_devices[] = { "/dev/null", "/dev/zero", "/dev/full", "/dev/random",
					     "/dev/urandom", "/dev/tty", NULL };

static bool is_quiet_device(const struct place_mount *mount)
{
	for (const char *const *path = quiet_devices; *path; path++)
		if (mount->from && strcmp(mount->from, *path) == 0)
			return true;
	return false;
}

static const struct meaning *meaning_of_own(const struct place_mount *mount)
{
	if (!(mount->flags & PLACE_WRITE))
		return &made;
	if (!is_type(mount, "tmpfs") && !is_type(mount, "ramfs"))
		return &apart;
	if (!mount->bytes)
		return &endless;
	return mount->flags & PLACE_EXEC ? &workshop : &space;
}

static const struct meaning *meaning_of(const struct making *m, const struct place_mount *mount)
{
	const bool writes = mount->flags & PLACE_WRITE;

	if (is_type(mount, "proc"))
		return m->place->holds & L(PROC) ? &own_proc : &other_proc;
	if (is_one_of(mount, kernel_types))
		return writes ? &kernel_files : &kernel_shown;
	if (is_quiet_device(mount) || is_type(mount, "devpts") || is_type(mount, "mqueue"))
		return &node;
	if (!mount->from)
		return meaning_of_own(mount);
	if (is_type(mount, "devtmpfs") || is_type(mount, "device") || (mount->flags & PLACE_DEV && mount->flags & PLACE_FILE))
		return &nodes;
	if (strcmp(mount->from, "/") == 0)
		return &whole;
	if (writes)
		return &written;
	return mount->flags & PLACE_SUID ? &setuid : &shown;
}

void surface_add_files(struct making *m)
{
	for (size_t i = 0; i < m->place->n_mounts; i++) {
		const struct place_mount *const mount = &m->place->mounts[i];
		const struct meaning *const meaning = meaning_of(m, mount);
		const bool is_ward = m->place->is_ward;

		surface_add(m, &(struct surface_item){
			.kind = meaning->kind,
			.severity = meaning->severity,
			.rank = (unsigned)i,
			.flow = meaning->flow,
			.name = mount->at,
			.detail = flags_in_words(m, mount),
			.reason = meaning->reason,
			.close = meaning->close,
			.guards = (is_ward ? BELOW_TREE : BELOW_TREE & ~L(LANDLOCK)) & m->place->holds,
		});
	}
}

static void add_fd(struct making *m, const struct place_fd *fd, unsigned rank)
{
	struct arena *const arena = &m->surface->arena;
	const bool is_ward = fd->flags & PLACE_WARD, is_stream = fd->number < 3;
	const bool reads = fd->flags & PLACE_READS, writes = fd->flags & PLACE_WRITES;

	surface_add(m, &(struct surface_item){
		.kind = SURFACE_STARTER,
		.severity = is_ward ? SEVERITY_INFO : is_stream ? SEVERITY_LOW : SEVERITY_MEDIUM,
		.rank = 100 + rank,
		.flow = (reads ? FLOW_IN : 0u) | (writes ? FLOW_OUT : 0u) | (is_ward || is_stream ? 0u : FLOW_RIGHT),
		.name = arena_printf(arena, "descriptor %d", fd->number),
		.detail = arena_printf(arena, "%s%s%s%s", fd->what, reads ? ", reads" : "", writes ? ", writes" : "",
				       is_ward ? ", a pipe of ward's" : ""),
		.reason = is_ward ? "bytes that ward copies, counts and bounds; it interprets none of them" :
			  is_stream ? "shared with whoever started it: what it writes there somebody reads" :
				      "an open file works whatever the other layers say, with the rights it was opened with",
		.close = is_ward || is_stream ? "" : "do not pass it (pass_fds); close it before the program starts",
		.guards = m->place->holds & L(FDS),
	});
}

/* What ward hands in, and what comes back to it beside bytes. */
static void add_hand_over(struct making *m)
{
	struct arena *const arena = &m->surface->arena;

	surface_add(m, &(struct surface_item){
		.kind = SURFACE_STARTER, .severity = SEVERITY_INFO, .rank = 1, .flow = FLOW_IN, .name = "arguments and environment",
		.detail = arena_printf(arena, "%" PRIu64 " in argv, %" PRIu64 " variables", m->place->n_arguments,
				       m->place->n_variables),
		.reason = "what stands there the program knows; ward keeps only the variables that the policy names",
		.close = "env.keep",
	});
	surface_add(m, &(struct surface_item){
		.kind = SURFACE_STARTER, .severity = SEVERITY_INFO, .rank = 2, .flow = FLOW_OUT, .name = "how it ended",
		.detail = "exit status, counters of the kernel",
		.reason = "a number of its choice, told by its first process; ward bounds it and takes no success "
			  "from it but an exit",
		.close = "",
	});
	if (m->place->reports_calls)
		surface_add(m, &(struct surface_item){
			.kind = SURFACE_STARTER, .severity = SEVERITY_INFO, .rank = 3, .flow = FLOW_OUT, .name = "refused calls",
			.detail = "number and six arguments, to ward",
			.reason = "ward records them and answers with an errno; it follows no pointer and lets no call go on",
			.close = "syscalls.report: none",
		});
}

void surface_add_starter(struct making *m)
{
	for (size_t i = 0; i < m->place->n_fds; i++)
		add_fd(m, &m->place->fds[i], (unsigned)i);
	if (m->place->is_ward)
		add_hand_over(m);
	if (m->place->ports)
		surface_add(m, &(struct surface_item){
			.kind = SURFACE_NETWORK, .severity = SEVERITY_MEDIUM, .flow = FLOW_IN | FLOW_OUT,
			.name = "TCP ports", .detail = m->place->ports,
			.reason = "what listens there decides what it may do", .close = "network.connect, network.bind",
			.guards = m->place->holds & L(LANDLOCK),
		});
}

static const struct {
	const char *name;
	enum severity severity; /* without any limit */
	uint64_t guards;
	const char *reason, *close;
} limits[PLACE_LIMITS] = {
	[PLACE_MEMORY] = { "memory", SEVERITY_MEDIUM, L(CG_MEMORY) | L(RLIMITS),
			   "it can take the memory of everybody, and the kernel then ends somebody", "limits.memory" },
	[PLACE_SWAP] = { "swap", SEVERITY_LOW, L(CG_SWAP), "it can push everybody's memory to the disk",
			 "limits.swap: 0" },
	[PLACE_PIDS] = { "processes", SEVERITY_MEDIUM, L(CG_PIDS) | L(RLIMITS),
			 "a fork bomb leaves nobody else a process", "limits.pids" },
	[PLACE_CPUS] = { "processor share", SEVERITY_LOW, L(CG_CPU), "it can keep every processor busy",
			 "limits.cpus" },
	[PLACE_IO] = { "disk traffic", SEVERITY_LOW, L(CG_IO), "it can keep the disks busy",
		       "limits.io_read, limits.io_write" },
	[PLACE_CPU_TIME] = { "processor time", SEVERITY_LOW, L(RLIMITS), "it can compute for ever", "limits.cpu" },
	[PLACE_WALL] = { "time by the clock", SEVERITY_LOW, 0, "it can stay for ever", "limits.wall" },
	[PLACE_FILES] = { "open files", SEVERITY_LOW, L(RLIMITS), "kernel memory for each", "limits.files" },
	[PLACE_FSIZE] = { "size of a file", SEVERITY_LOW, L(RLIMITS), "it can fill what it may write",
			  "limits.fsize" },
};

/* A bound the way a policy would write it. */
static const char *bound_in_words(struct making *m, enum place_limit limit, uint64_t n)
{
	struct arena *const arena = &m->surface->arena;

	if (!n)
		return limit == PLACE_IO ? "limited" : "none at all";
	if (limit == PLACE_CPU_TIME || limit == PLACE_WALL)
		return arena_printf(arena, n % 1000 ? "at most %" PRIu64 ".%03" PRIu64 " s" : "at most %" PRIu64 " s",
				    n / 1000, n % 1000);
	if (limit == PLACE_CPUS)
		return arena_printf(arena, "at most %" PRIu64 ".%03" PRIu64 " processors", n / 1000, n % 1000);
	if (limit == PLACE_PIDS || limit == PLACE_FILES)
		return arena_printf(arena, "at most %" PRIu64, n);
	return arena_printf(arena, "at most %" PRIu64 " %s%s", n >> 20 ? n >> 20 : n >> 10, n >> 20 ? "MiB" : "KiB",
			    limit == PLACE_IO ? " a second" : "");
}

void surface_add_limits(struct making *m)
{
	for (unsigned i = 0; i < PLACE_LIMITS; i++) {
		const struct place_bound *const bound = &m->place->bounds[i];
		const bool each = bound->each == KNOWN_YES && bound->whole != KNOWN_YES && i <= PLACE_PIDS;
		const bool held = bound->whole == KNOWN_YES || (bound->each == KNOWN_YES && !each);
		const bool unsure = !held && !each && (bound->whole == KNOWN_NOT || bound->each == KNOWN_NOT);

		surface_add(m, &(struct surface_item){
			.kind = SURFACE_RESOURCE,
			.state = held ? SURFACE_CLOSED : unsure ? SURFACE_UNKNOWN : SURFACE_OPEN,
			.severity = each ? SEVERITY_LOW : limits[i].severity,
			.rank = i,
			.flow = FLOW_RIGHT,
			.name = limits[i].name,
			.detail = held ? bound_in_words(m, i, bound->n) :
				  each ? "limited for each process, not for all together" :
				  unsure ? "not known whether it is limited" : "no limit",
			.reason = limits[i].reason,
			.close = limits[i].close,
			.guards = held || each ? limits[i].guards & m->place->holds : 0,
		});
	}
}
