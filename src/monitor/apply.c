/* The host's side: clone, id maps, cgroup. The only place that uses privilege, and it reads nothing
 * but numbers from the plan. */
#include "monitor/apply.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/mem.h"
#include "mech/mount.h"
#include "mech/net.h"
#include "mech/ns.h"
#include "monitor/walk.h"

/* plan_limit and cgroup_limit are the same list, seen from two floors. */
_Static_assert((int)LIMIT_MEMORY == CGROUP_MEMORY && (int)LIMIT_SWAP == CGROUP_SWAP &&
	       (int)LIMIT_PIDS == CGROUP_PIDS && (int)LIMIT_CPUS == CGROUP_CPUS &&
	       (int)LIMIT_IO_READ == CGROUP_IO_READ && (int)LIMIT_IO_WRITE == CGROUP_IO_WRITE &&
	       (int)LIMIT_CPU_TIME == CGROUP_CPU_TIME && (int)PLAN_LIMITS == CGROUP_LIMITS, "one list");

static const struct step *find_step(const struct plan *plan, enum plan_op op, uint32_t flags)
{
	for (uint32_t i = 0; i < plan->n_steps; i++)
		if (plan->steps[i].op == op && (op == OP_NS || plan->steps[i].flags == flags))
			return &plan->steps[i];
	return NULL;
}

int apply_limits(const struct plan *plan, const struct cgroup *cgroup, uint64_t more_pids, uint64_t *layers,
		 struct err *e)
{
	static const uint8_t layer_of[PLAN_LIMITS] = {
		LAYER_CG_MEMORY, LAYER_CG_SWAP, LAYER_CG_PIDS, LAYER_CG_CPU, LAYER_CG_IO, LAYER_CG_IO, 0,
	};

	for (uint32_t i = 0; i < plan->n_steps; i++) {
		const struct step *step = &plan->steps[i];
		const uint64_t more = step->flags == LIMIT_PIDS ? more_pids : 0;

		if (step->op != OP_CGROUP_LIMIT || step->flags == LIMIT_CPU_TIME)
			continue;
		if (cgroup_set(cgroup, (enum cgroup_limit)step->flags, step->n + more, e) < 0)
			return -1;
		*layers |= LAYER_BIT(layer_of[step->flags]);
	}
	return 0;
}

/* Makes the box's cgroup with the limits of the plan; none when the plan has none. */
static int make_cgroup(const struct plan *plan, bool is_never_frozen, struct cgroup *out, uint64_t *layers, struct err *e)
{
	struct cgroup cgroup = CGROUP_NONE;
	uint32_t limits = 0;
	struct err ignored;

	for (uint32_t i = 0; i < plan->n_steps; i++)
		if (plan->steps[i].op == OP_CGROUP_LIMIT)
			limits |= CGROUP_BIT(plan->steps[i].flags);
	if (!limits)
		return 0;
	if (cgroup_create(&cgroup, limits | (is_never_frozen ? CGROUP_NEVER_FROZEN : 0), e) < 0)
		return -1;
	if (apply_limits(plan, &cgroup, 0, layers, e) < 0) {
		if (cgroup_remove(&cgroup, 1000, &ignored) < 0)
			cgroup_forget(&cgroup);
		return -1;
	}
	*out = cgroup;
	return 0;
}

/* Root copies what is to be bound by descriptor, where the mounts are; the box could only look paths
 * up again. A box with no user namespace of its own shares root's and gets by without. */
static int copy_binds(struct walk *walk, const struct step *uid, const struct step *gid, struct err *e)
{
	for (uint32_t i = 0; i < walk->plan->n_steps; i++) {
		const struct step *step = &walk->plan->steps[i];
		struct stat st;
		int copy;

		if (step->op != OP_BIND && step->op != OP_TREE)
			continue;
		if (fstat(walk->fds[step->fd], &st) < 0)
			return err_sys(e, "look at what was granted");
		copy = mount_clone(walk->fds[step->fd], step->op == OP_TREE || step->flags & BIND_REC, e);
		if (copy < 0)
			return err_add(e, "%s", plan_string(walk->plan, step->t));
		close(walk->fds[step->fd]);
		walk->fds[step->fd] = copy;
		if ((step->flags & BIND_OWNER) && uid && gid &&
		    mount_map_owner(copy, st.st_uid, st.st_gid, (uint32_t)uid->m, (uint32_t)gid->m, e) < 0)
			return err_add(e, "%s", plan_string(walk->plan, step->t));
	}
	walk->root_side = true;
	return 0;
}

static const struct {
	uint32_t flag;
	enum layer layer;
	const char *name;
} namespaces[] = {
	{ CLONE_NEWUSER, LAYER_USERNS, "user" }, { CLONE_NEWNS, LAYER_MOUNTNS, "mnt" },
	{ CLONE_NEWPID, LAYER_PIDNS, "pid" },    { CLONE_NEWNET, LAYER_NETNS, "net" },
	{ CLONE_NEWIPC, LAYER_IPCNS, "ipc" },    { CLONE_NEWUTS, LAYER_UTSNS, "uts" },
};

static uint64_t own[ARRAY_SIZE(namespaces)];

void apply_look(void)
{
	for (size_t i = 0; i < ARRAY_SIZE(namespaces) && !own[i]; i++)
		own[i] = ns_inode(getpid(), namespaces[i].name);
}

static int check_namespaces(int pid, uint64_t flags, uint64_t *layers, struct err *e)
{
	for (size_t i = 0; i < ARRAY_SIZE(namespaces); i++) {
		uint64_t theirs;

		if (!(flags & namespaces[i].flag))
			continue;
		theirs = ns_inode(pid, namespaces[i].name);
		if (!theirs || !own[i] || theirs == own[i])
			return err_set(e, ERR_BUG, "the box shares our %s namespace", namespaces[i].name);
		*layers |= LAYER_BIT(namespaces[i].layer);
	}
	return 0;
}

static int go(int go_fd, struct err *e)
{
	return write(go_fd, "g", 1) == 1 ? 0 : err_sys(e, "give the box its go-ahead");
}

/* While the box's first process mounts, its keeper makes the cgroup: two processors, two things. */
static int raise_box(const struct plan *plan, uint64_t flags, int go_fd, const struct early *early,
		     struct held *held, struct err *e)
{
	const struct step *uid = find_step(plan, OP_IDMAP, 0), *gid = find_step(plan, OP_IDMAP, 1);
	/* A box whose identity selftest has taken away stays who we are, and so its map must be. */
	const bool stays = !find_step(plan, OP_IDENTITY, 0);

	if (uid && ns_map(held->pid, false, (uint32_t)uid->n, stays ? geteuid() : (uint32_t)uid->m, e) < 0)
		return -1;
	if (gid && ns_map(held->pid, true, (uint32_t)gid->n, stays ? getegid() : (uint32_t)gid->m, e) < 0)
		return -1;
	if (go(go_fd, e) < 0 || check_namespaces(held->pid, flags, &held->layers, e) < 0)
		return -1;
	if (!early->born && !held->cgroup.n_dirs && make_cgroup(plan, early->is_never_frozen, &held->cgroup, &held->layers, e) < 0)
		return -1;
	if (held->cgroup.n_dirs && cgroup_into_fd(&held->cgroup) < 0 &&
	    cgroup_attach(&held->cgroup, held->pid, e) < 0)
		return -1;
	return go(go_fd, e);
}

static void undo(struct held *held)
{
	struct err ignored;

	if (held->pid > 0) {
		kill(held->pid, SIGKILL);
		while (waitpid(held->pid, NULL, 0) < 0 && errno == EINTR)
			;
		close(held->pid_fd);
	}
	if (held->cgroup.n_dirs && (cgroup_kill(&held->cgroup, 1000, &ignored) < 0 ||
				    cgroup_remove(&held->cgroup, 1000, &ignored) < 0))
		cgroup_forget(&held->cgroup);
	*held = HELD_NONE;
}

static void set_identity(const struct plan *plan, struct held *held)
{
	const struct step *map = find_step(plan, OP_IDMAP, 0), *identity = find_step(plan, OP_IDENTITY, 0);

	if (geteuid() == 0 && map)
		held->uid = (int)map->m;
	else if (geteuid() == 0 && identity)
		held->uid = (int)identity->n;
}

/* On v2 the cgroup comes first, so that the box is born in it; on v1 nothing is gained by that. */
static int prepare(struct walk *walk, uint64_t flags, const struct early *early, struct held *held, struct err *e)
{
	const struct plan *plan = walk->plan;

	if (geteuid() == 0 && (flags & CLONE_NEWUSER) &&
	    copy_binds(walk, find_step(plan, OP_IDMAP, 0), find_step(plan, OP_IDMAP, 1), e) < 0)
		return -1;
	if (!early->born && find_step(plan, OP_CGROUP, 1))
		return make_cgroup(plan, early->is_never_frozen, &held->cgroup, &held->layers, e);
	return 0;
}

/* The box shares the private network the keeper made early; a plan that wants the host's gets it back. */
static int choose_network(struct walk *walk, uint64_t *flags, const struct early *early, struct err *e)
{
	if (!early->has_net)
		return 0;
	if (*flags & CLONE_NEWNET) {
		*flags &= ~(uint64_t)CLONE_NEWNET;
		walk->has_loopback = true;
		return 0;
	}
	return setns(early->host_net_fd, CLONE_NEWNET) < 0 ? err_sys(e, "return to the host's network") : 0;
}

static int start(struct walk *walk, int go_write, const struct early *early, struct held *held, struct err *e)
{
	const struct step *ns = find_step(walk->plan, OP_NS, 0);
	const uint64_t flags = ns ? ns->flags : 0;
	uint64_t cloned = flags;
	int pid_fd = -1;

	if (prepare(walk, flags, early, held, e) < 0 || choose_network(walk, &cloned, early, e) < 0)
		return -1;
	walk->own_pids = flags & CLONE_NEWPID;
	held->pid = ns_clone(cloned, held->cgroup.n_dirs ? cgroup_into_fd(&held->cgroup) : -1, &pid_fd, e);
	if (held->pid < 0)
		return -1;
	if (held->pid == 0) {
		close(go_write);
		walk_box(walk);
	}
	held->pid_fd = pid_fd;
	held->pid_namespace = flags & CLONE_NEWPID;
	set_identity(walk->plan, held);
	return raise_box(walk->plan, flags, go_write, early, held, e);
}

void apply_early(struct early *early)
{
	struct err ignored;
	const int fd = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC);

	apply_look();
	if (fd < 0 || unshare(CLONE_NEWNET) < 0) {
		if (fd >= 0)
			close(fd);
		return;
	}
	if (net_loopback_up(&ignored) < 0 && setns(fd, CLONE_NEWNET) == 0) {
		close(fd);
		return;
	}
	early->has_net = true;
	early->host_net_fd = fd;
}

int apply_start(const struct plan *plan, int *fds, int note_fd, const struct early *early, struct held *out,
		struct err *e)
{
	struct walk walk = { .plan = plan, .fds = fds, .note_fd = note_fd, .root_fd = -1, .rules_fd = -1, .tty_fd = -1 };
	struct held held = HELD_NONE;
	int go_fds[2], status;

	apply_look();
	walk.shared = mmap(NULL, sizeof(*walk.shared), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (walk.shared == MAP_FAILED)
		return err_sys(e, "mmap");
	if (pipe2(go_fds, O_CLOEXEC) < 0) {
		munmap(walk.shared, sizeof(*walk.shared));
		return err_sys(e, "pipe");
	}
	walk.go_fd = go_fds[0];
	status = start(&walk, go_fds[1], early, &held, e);
	close(go_fds[0]);
	close(go_fds[1]);
	munmap(walk.shared, sizeof(*walk.shared));
	if (status < 0)
		undo(&held);
	else
		*out = held;
	return status;
}
