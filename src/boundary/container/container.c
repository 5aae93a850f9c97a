/* The container boundary: eight namespaces, a fresh read-only root, cgroup limits, and everything the
 * process boundary has, on top. Shares the host's kernel: see SECURITY.md for what that means. */
#include <sched.h>
#include <string.h>

#include "base/mem.h"
#include "boundary/boundary.h"
#include "boundary/hostview.h"
#include "boundary/parts.h"
#include "model/policy_grant.h"

#define NAMESPACES (CLONE_NEWUSER | CLONE_NEWNS | CLONE_NEWPID | CLONE_NEWIPC | CLONE_NEWUTS)
#define INSIDE_ID 1000
#define ROOT_BYTES (4u << 20)   /* holds directories, links and made-up files only, and is read-only */
#define ROOT_INODES 16384

static int container_probe(const struct host *host, struct err *e)
{
	if (!host->userns)
		return err_set(e, ERR_UNSUPPORTED, "container needs user namespaces: %s", host->userns_why);
	if (host->kernel < 0x050c00)
		return err_set(e, ERR_UNSUPPORTED, "container needs Linux 5.12 (mount_setattr)");
	return 0;
}

static int add_identity(struct rung *rung, struct err *e)
{
	const uint64_t uid = policy_n(rung->policy, KEY_UID) ? policy_n(rung->policy, KEY_UID) : INSIDE_ID;
	const uint64_t gid = policy_n(rung->policy, KEY_GID) ? policy_n(rung->policy, KEY_GID) : INSIDE_ID;
	const bool own = rung->host->root && rung->host->may_setuid && !rung->host->monitor;

	if (!own && rung->host->uid == 0)
		return err_set(e, ERR_UNSUPPORTED, "root that may not become somebody else (no CAP_SETUID, or a "
			       "monitor was named) would be root outside; run ward as an ordinary user");
	plan_add(rung->plan, OP_IDMAP, .flags = 0, .n = uid, .m = own ? rung->host->box_id : rung->host->uid);
	plan_add(rung->plan, OP_IDMAP, .flags = 1, .n = gid, .m = own ? rung->host->box_id : rung->host->gid);
	plan_add(rung->plan, OP_IDENTITY, .n = uid, .m = gid);
	if (!own)
		rung->notes |= NOTE_SAME_USER;
	return 0;
}

static int add_namespaces(struct rung *rung, struct err *e)
{
	const bool private_net = policy_n(rung->policy, KEY_NETWORK) != NETWORK_HOST;
	const char *name = policy_text(rung->policy, KEY_HOSTNAME);

	plan_add(rung->plan, OP_NS, .flags = NAMESPACES | (private_net ? CLONE_NEWNET : 0));
	if (add_identity(rung, e) < 0)
		return -1;
	if (private_net)
		plan_add(rung->plan, OP_LOOPBACK);
	plan_add(rung->plan, OP_HOSTNAME, .s = name ? name : "box");
	if (rung->host->timens)
		plan_add(rung->plan, OP_TIME);
	plan_add(rung->plan, OP_CGROUPNS);
	if (!rung->jail)
		plan_add(rung->plan, OP_NESTED);
	return 0;
}

/* Where in the box a place of the program's lies. */
static const char *inside(struct rung *rung, const char *path)
{
	return rung->jail ? arena_printf(&rung->arena, "%s%s", rung->jail->below, path) : path;
}

static void bind(struct rung *rung, const char *path, const char *at, uint32_t flags)
{
	const bool file = flags & BIND_FILE;

	plan_add(rung->plan, OP_BIND, .s = at, .t = path, .flags = flags,
		 .fd_plus_one = parts_open(rung, path, !file, false));
}

/* A tree of the host, or the link that stands for it where /usr is merged. */
static void show_tree(struct rung *rung, const char *path, uint32_t abi)
{
	const struct path_info info = parts_look(rung, path);

	if (info.kind == PATH_LINK)
		plan_add(rung->plan, OP_SYMLINK, .s = inside(rung, path), .t = info.link);
	if (info.kind != PATH_DIR)
		return;
	bind(rung, path, inside(rung, path), BIND_RDONLY);
	parts_landlock_path(rung, abi, path, RIGHTS_READ | RIGHTS_EXEC);
}

/* Landlock is told of each piece by itself: were the root the host's, /etc would still be closed. */
static void show_etc(struct rung *rung, const char *path, uint32_t abi)
{
	const struct path_info info = parts_look(rung, path);

	if (info.kind == PATH_LINK)
		plan_add(rung->plan, OP_SYMLINK, .s = inside(rung, path), .t = info.link);
	if (info.kind != PATH_DIR && info.kind != PATH_FILE)
		return;
	bind(rung, path, inside(rung, path), BIND_RDONLY | BIND_NOEXEC | (info.kind == PATH_FILE ? BIND_FILE : 0));
	parts_landlock_path(rung, abi, path, RIGHTS_READ);
}

static void show_host(struct rung *rung, uint32_t abi)
{
	for (const char *const *path = hostview_trees; *path; path++)
		show_tree(rung, *path, abi);
	plan_add(rung->plan, OP_DIR, .s = inside(rung, "/etc"), .n = 0755);
	for (const char *const *path = hostview_etc; *path; path++)
		show_etc(rung, *path, abi);
	for (const struct hostview_file *file = hostview_files; file->path; file++) {
		plan_add(rung->plan, OP_FILE, .s = inside(rung, file->path), .t = file->contents, .n = 0644);
		parts_landlock_path(rung, abi, file->path, RIGHTS_READ);
	}
	rung->notes |= NOTE_HOST_FILES;
}

static void add_devices(struct rung *rung, uint32_t abi)
{
	static const char *const nodes[] = { "/dev/null", "/dev/zero", "/dev/full", "/dev/urandom" };
	static const char *const links[][2] = {
		{ "/dev/random", "urandom" },           { "/dev/fd", "/proc/self/fd" },
		{ "/dev/stdin", "/proc/self/fd/0" },    { "/dev/stdout", "/proc/self/fd/1" },
		{ "/dev/stderr", "/proc/self/fd/2" },
	};

	plan_add(rung->plan, OP_DIR, .s = "/dev", .n = 0755);
	for (size_t i = 0; i < ARRAY_SIZE(nodes); i++) {
		bind(rung, nodes[i], nodes[i], BIND_DEV | BIND_FILE | BIND_NOEXEC);
		parts_landlock_path(rung, abi, nodes[i], RIGHTS_DEVICE);
	}
	for (size_t i = 0; i < ARRAY_SIZE(links); i++)
		plan_add(rung->plan, OP_SYMLINK, .s = links[i][0], .t = links[i][1]);
	if (!rung->payload->pty && !rung->payload->makes_terminals)
		return;
	plan_add(rung->plan, OP_DEVPTS, .s = "/dev/pts");
	plan_add(rung->plan, OP_SYMLINK, .s = "/dev/ptmx", .t = "pts/ptmx");
	bind(rung, "/dev/tty", "/dev/tty", BIND_DEV | BIND_FILE | BIND_NOEXEC);
	if (rung->payload->pty)
		plan_add(rung->plan, OP_PTY, .s = "/dev/pts", .n = rung->payload->pty_size);
	parts_landlock_path(rung, abi, "/dev/tty", RIGHTS_DEVICE | RIGHTS_IOCTL);
	parts_landlock_path(rung, abi, "/dev/pts", RIGHTS_DEVICE | RIGHTS_LIST | RIGHTS_IOCTL);
}

/* Directories above a place, from the top; those of an earlier grant are found to exist. */
static void add_parents(struct rung *rung, const char *path)
{
	const size_t made = rung->jail ? strlen(rung->jail->below) : 0; /* a place of the program's, see inside() */

	for (const char *slash = strchr(path + made + 1, '/'); slash; slash = strchr(slash + 1, '/')) {
		const char *dir = arena_copy(&rung->arena, path, (size_t)(slash - path));

		/* The row just before often made it already: 2,000 grants in one directory. */
		if (rung->last_parent && strcmp(rung->last_parent, dir) == 0)
			continue;
		plan_add(rung->plan, OP_DIR, .s = dir, .n = 0755);
		rung->last_parent = dir;
	}
}

static void add_scratch(struct rung *rung, const struct grant *grant, uint32_t abi)
{
	const char *const at = inside(rung, grant->as);

	add_parents(rung, at);
	/* A sandbox has its own file systems, of memory that it is lent; it needs the place. */
	if (rung->jail && !rung->payload->in_kernels_place) {
		plan_add(rung->plan, OP_DIR, .s = at, .n = 0755);
		return;
	}
	plan_add(rung->plan, OP_TMPFS, .s = at, .n = policy_scratch_bytes(rung->policy, grant),
		 .m = policy_scratch_inodes(rung->policy, grant), .flags = grant->may_exec ? 0 : BIND_NOEXEC);
	parts_landlock_grant(rung, abi, grant);
}

static int add_path(struct rung *rung, const struct grant *grant, uint32_t abi, struct err *e)
{
	const bool writes = grant->kind == GRANT_WRITE;
	const bool runs = grant->kind == GRANT_EXEC || grant->may_exec;
	uint32_t flags = BIND_REC | (writes ? BIND_OWNER : BIND_RDONLY) | (runs ? 0 : BIND_NOEXEC);
	struct path_info info;

	if (parts_check_grant(rung, grant, &info, e) < 0)
		return -1;
	flags |= info.kind == PATH_FILE ? BIND_FILE : 0;
	add_parents(rung, inside(rung, grant->as));
	bind(rung, grant->what, inside(rung, grant->as), flags);
	parts_landlock_grant(rung, abi, grant);
	return 0;
}

/* An image's top directories, each read-only; /dev, /proc and /etc's made-up files stay ours. */
static int show_image(struct rung *rung, uint32_t abi, struct err *e)
{
	const char *image = policy_text(rung->policy, KEY_IMAGE);
	static const char *const trees[] = { "/usr", "/bin", "/sbin", "/lib", "/lib64", "/lib32", "/etc", "/opt", "/var", "/srv", NULL };
	bool any = false;

	for (const char *const *tree = trees; *tree; tree++) {
		const char *path = arena_printf(&rung->arena, "%s%s", image, *tree);
		const struct path_info info = parts_look(rung, path);

		any |= info.kind == PATH_DIR;
		if (info.kind == PATH_LINK)
			plan_add(rung->plan, OP_SYMLINK, .s = inside(rung, *tree), .t = info.link);
		if (info.kind != PATH_DIR)
			continue;
		bind(rung, path, inside(rung, *tree), BIND_RDONLY | BIND_REC);
		parts_landlock_path(rung, abi, *tree, RIGHTS_READ | RIGHTS_EXEC);
	}
	return any ? 0 : err_set(e, ERR_MISSING, "image %s holds no /usr, /bin or other tree of programs", image);
}

static int add_grant(struct rung *rung, const struct grant *grant, uint32_t abi, struct err *e)
{
	if (grant->kind == GRANT_READ && strcmp(grant->what, "host") == 0) {
		show_host(rung, abi);
		return 0;
	}
	if (grant->kind == GRANT_READ && strcmp(grant->what, "image") == 0)
		return show_image(rung, abi, e);
	/* policy_check() let none pass. */
	if (strcmp(grant->as, "/") == 0)
		return err_set(e, ERR_BUG, "%s: a grant would cover the root", parts_where(rung, grant));
	if (grant->kind == GRANT_SCRATCH) {
		add_scratch(rung, grant, abi);
		return 0;
	}
	return add_path(rung, grant, abi, e);
}

static bool has_scratch(const struct policy *policy)
{
	for (size_t i = 0; i < policy->n_grants; i++)
		if (policy->grants[i].kind == GRANT_SCRATCH)
			return true;
	return false;
}

static int add_files(struct rung *rung, uint32_t abi, struct err *e)
{
	const struct grant *const *grants = parts_in_order(rung);

	plan_add(rung->plan, OP_ROOT, .n = ROOT_BYTES, .m = ROOT_INODES);
	if (rung->jail && *rung->jail->below)
		plan_add(rung->plan, OP_DIR, .s = rung->jail->below, .n = 0755);
	for (size_t i = 0; i < rung->policy->n_grants; i++)
		if (add_grant(rung, grants[i], abi, e) < 0)
			return -1;
	add_devices(rung, abi);
	if (has_scratch(rung->policy)) {
		/* POSIX shared memory and semaphores; bounded like any scratch. */
		const struct grant shm = { .kind = GRANT_SCRATCH, .as = "/dev/shm" };

		add_scratch(rung, &shm, abi);
	}
	if (policy_n(rung->policy, KEY_PROC) == PROC_PID) {
		/* A sandbox mounts its own, which the kernel permits whoever sees a whole one. */
		plan_add(rung->plan, OP_PROC, .s = "/proc", .flags = rung->jail ? PROC_WHOLE : PROC_OWN_PIDS);
		parts_landlock_path(rung, abi, "/proc", RIGHTS_READ);
	}
	plan_add(rung->plan, OP_PIVOT);
	return 0;
}

static int container_plan(struct rung *rung, struct err *e)
{
	const char *cwd = policy_text(rung->policy, KEY_CWD);
	uint32_t abi;

	rung->plan->boundary = BOUNDARY_CONTAINER;
	/* A compiled one: all that its module could address. */
	rung->reserves |= rung->payload->is_plugin;
	if (add_namespaces(rung, e) < 0 || parts_limits(rung, true, e) < 0)
		return -1;
	abi = parts_landlock_begin(rung, true);
	if (add_files(rung, abi, e) < 0)
		return -1;
	parts_landlock_end(rung, abi);
	return parts_program(rung, NULL, 0, cwd ? cwd : "/", e);
}

extern const struct boundary boundary_container;
const struct boundary boundary_container = {
	.name = "container",
	.summary = "namespaces, a fresh root, cgroup limits, Landlock and seccomp on the host's kernel",
	.has_mounts = true,
	.probe = container_probe,
	.plan = container_plan,
};
