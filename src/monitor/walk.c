/* The box's side: mounts, names, identity. Runs inside the box's user namespace, with no more rights
 * over the host than any user has. */
#include "monitor/walk.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/mem.h"
#include "mech/drop.h"
#include "mech/mount.h"
#include "mech/net.h"
#include "mech/ns.h"

bool note_send(int note_fd, const struct box_note *note, int fd)
{
	struct iovec iov = { (void *)(uintptr_t)note, sizeof(*note) };
	_Alignas(struct cmsghdr) char control[CMSG_SPACE(sizeof(int))] = { 0 };
	struct msghdr msg = { .msg_iov = &iov, .msg_iovlen = 1 };
	ssize_t sent;

	if (fd >= 0) {
		struct cmsghdr *cmsg;

		msg.msg_control = control;
		msg.msg_controllen = sizeof(control);
		cmsg = CMSG_FIRSTHDR(&msg);
		cmsg->cmsg_level = SOL_SOCKET;
		cmsg->cmsg_type = SCM_RIGHTS;
		cmsg->cmsg_len = CMSG_LEN(sizeof(int));
		memcpy(CMSG_DATA(cmsg), &fd, sizeof(int));
	}
	do
		sent = sendmsg(note_fd, &msg, MSG_NOSIGNAL);
	while (sent < 0 && errno == EINTR);
	return sent == sizeof(*note);
}

int walk_side(struct walk *walk, enum plan_side side, const walk_fn *table, struct err *e)
{
	for (uint32_t i = 0; i < walk->plan->n_steps; i++) {
		const struct step *step = &walk->plan->steps[i];
		const struct op_row *row = plan_op_row(step->op);

		if (row->side != side)
			continue;
		if (!table[step->op])
			return err_set(e, ERR_BUG, "%s: no walker knows this step", row->name);
		if (table[step->op](walk, step, e) < 0)
			return err_add(e, "%s", row->name);
		walk->layers |= plan_step_layers(step);
	}
	return 0;
}

static int await_go(const struct walk *walk)
{
	char byte;
	ssize_t got;

	do
		got = read(walk->go_fd, &byte, 1);
	while (got < 0 && errno == EINTR);
	return got == 1 ? 0 : -1;
}

static const char *s_of(const struct walk *walk, const struct step *step)
{
	return plan_string(walk->plan, step->s);
}

static const char *t_of(const struct walk *walk, const struct step *step)
{
	return plan_string(walk->plan, step->t);
}

static int do_identity(struct walk *walk, const struct step *step, struct err *e)
{
	const struct step *first = &walk->plan->steps[0];

	/* Only a box that mounts has a use for capabilities, and has them over its own namespace. */
	if (drop_identity((uint32_t)step->n, (uint32_t)step->m,
			  first->op == OP_NS && first->flags & (CLONE_NEWNS | CLONE_NEWUSER), e) < 0)
		return -1;
	/* Changing ids made our /proc files root's: timens_offsets must be written. Undone before the program exists. */
	if (prctl(PR_SET_DUMPABLE, 1, 0, 0, 0) < 0)
		return err_sys(e, "PR_SET_DUMPABLE");
	return 0;
}

static int do_loopback(struct walk *walk, const struct step *step, struct err *e)
{
	(void)step;
	return walk->has_loopback ? 0 : net_loopback_up(e);
}

static int do_hostname(struct walk *walk, const struct step *step, struct err *e)
{
	const char *name = s_of(walk, step);

	if (sethostname(name, strlen(name)) < 0 || setdomainname("", 0) < 0)
		return err_sys(e, "sethostname");
	return 0;
}

static int do_root(struct walk *walk, const struct step *step, struct err *e)
{
	const int fd = mount_new_tmpfs(step->n, step->m, "755", MOUNT_NX, e);

	if (fd < 0)
		return -1;
	walk->root_fd = fd;
	/* Before Linux 6.15 nothing can be mounted on what is not mounted itself. */
	return mount_attach_root(fd, e);
}

/* The keeper has copied it, with root's rights: a box cannot copy what it did not make. */
static int do_tree(struct walk *walk, const struct step *step, struct err *e)
{
	if (!walk->root_side)
		return err_set(e, ERR_UNSUPPORTED, "a tree that was made before is for boxes that root starts");
	walk->root_fd = walk->fds[step->fd];
	return mount_attach_root(walk->root_fd, e);
}

static int do_dir(struct walk *walk, const struct step *step, struct err *e)
{
	return mount_mkdir(walk->root_fd, s_of(walk, step), (unsigned)step->n, e);
}

static int do_symlink(struct walk *walk, const struct step *step, struct err *e)
{
	return mount_mklink(walk->root_fd, s_of(walk, step), t_of(walk, step), e);
}

static int do_file(struct walk *walk, const struct step *step, struct err *e)
{
	return mount_mkfile(walk->root_fd, s_of(walk, step), t_of(walk, step), (unsigned)step->n, e);
}

static unsigned attr_of(const struct step *step)
{
	return (step->flags & BIND_RDONLY ? MOUNT_RO : 0) | (step->flags & BIND_NOEXEC ? MOUNT_NX : 0) |
	       (step->flags & BIND_DEV ? MOUNT_DEV : 0);
}

static int do_bind(struct walk *walk, const struct step *step, struct err *e)
{
	const char *place = s_of(walk, step), *path = t_of(walk, step);
	int fd = walk->fds[step->fd];

	if (!walk->root_side) {
		fd = mount_clone_again(fd, path, step->flags & BIND_REC, e);
		if (fd < 0)
			return err_add(e, "%s", path);
	}
	if (mount_restrict(fd, attr_of(step), e) < 0)
		return err_add(e, "%s", path);
	if (step->flags & BIND_FILE) {
		struct err ignored;

		/* It may be there already: in a tree, or a file granted inside a granted directory. Asked first, as a refusal would
		 * be put into words; through a link nothing is made either. */
		if (faccessat(walk->root_fd, place + 1, F_OK, 0) < 0 && mount_mkfile(walk->root_fd, place, "", 0600, &ignored) < 0)
			ignored.kind = ERR_NONE;
	} else if (mount_mkdir(walk->root_fd, place, 0755, e) < 0) {
		return -1;
	}
	return mount_place(fd, walk->root_fd, place, e);
}

/* Makes the place and puts a new file system there. */
static int place_new(struct walk *walk, const struct step *step, int mount_fd, unsigned mode, struct err *e)
{
	if (mount_fd < 0)
		return -1;
	if (mount_mkdir(walk->root_fd, s_of(walk, step), mode, e) < 0) {
		close(mount_fd);
		return -1;
	}
	return mount_place(mount_fd, walk->root_fd, s_of(walk, step), e);
}

static int do_tmpfs(struct walk *walk, const struct step *step, struct err *e)
{
	return place_new(walk, step, mount_new_tmpfs(step->n, step->m, "700", attr_of(step), e), 0755, e);
}

static int proc_of_host(struct err *e)
{
	const int dir = open("/proc", O_PATH | O_DIRECTORY | O_CLOEXEC);
	int copy;

	if (dir < 0)
		return err_sys(e, "open /proc");
	copy = mount_clone(dir, true, e);
	close(dir);
	return copy;
}

static int do_proc(struct walk *walk, const struct step *step, struct err *e)
{
	const int fd = step->flags == PROC_OF_HOST ? proc_of_host(e) :
						     mount_new_proc(step->flags == PROC_OWN_PIDS, e);

	return place_new(walk, step, fd, 0555, e);
}

static int do_devpts(struct walk *walk, const struct step *step, struct err *e)
{
	return place_new(walk, step, mount_new_devpts(e), 0755, e);
}

static int do_nested(struct walk *walk, const struct step *step, struct err *e)
{
	(void)walk, (void)step;
	return ns_no_nesting(e);
}

/* The cgroup namespace is rooted where we are: first the keeper must have put us there. */
static int do_cgroupns(struct walk *walk, const struct step *step, struct err *e)
{
	(void)step;
	if (await_go(walk) < 0)
		return err_set(e, ERR_CONFLICT, "the keeper has gone");
	walk->attached = true;
	return ns_cgroup(e);
}

static int do_time(struct walk *walk, const struct step *step, struct err *e)
{
	(void)walk, (void)step;
	return ns_time(e);
}

static int do_pivot(struct walk *walk, const struct step *step, struct err *e)
{
	(void)step;
	return mount_pivot(walk->root_fd, e);
}

/* The program gets the slave; ward gets the master; the box's own devpts names it. */
static int do_pty(struct walk *walk, const struct step *step, struct err *e)
{
	const struct winsize size = { .ws_row = (uint16_t)(step->n >> 16), .ws_col = (uint16_t)step->n };
	struct box_note note = { .kind = BOX_TERMINAL };
	char path[64];
	int unlock = 0, master;

	snprintf(path, sizeof(path), "%s/ptmx", s_of(walk, step));
	master = open(path, O_RDWR | O_NOCTTY | O_CLOEXEC);
	if (master < 0)
		return err_sys(e, "open %s", path);
	/* Before the program can ask; one that cannot be set stays 0 by 0. */
	if (step->n)
		(void)!ioctl(master, TIOCSWINSZ, &size);
	if (ioctl(master, TIOCSPTLCK, &unlock) == 0)
		walk->tty_fd = ioctl(master, TIOCGPTPEER, O_RDWR | O_NOCTTY | O_CLOEXEC);
	if (walk->tty_fd < 0) {
		close(master);
		return err_sys(e, "open the other end of the terminal");
	}
	if (!note_send(walk->note_fd, &note, master)) {
		close(master);
		return err_sys(e, "hand the terminal to ward");
	}
	close(master);
	return 0;
}

static int do_core_sched(struct walk *walk, const struct step *step, struct err *e)
{
	(void)walk, (void)step;
	return drop_core_sharing(e);
}

static int do_nice(struct walk *walk, const struct step *step, struct err *e)
{
	(void)walk;
	if (setpriority(PRIO_PROCESS, 0, (int)step->n) < 0)
		return err_sys(e, "setpriority");
	return 0;
}

static const walk_fn box_table[OPS] = {
	[OP_IDENTITY] = do_identity, [OP_LOOPBACK] = do_loopback, [OP_HOSTNAME] = do_hostname,
	[OP_ROOT] = do_root,         [OP_DIR] = do_dir,           [OP_SYMLINK] = do_symlink,
	[OP_FILE] = do_file,         [OP_BIND] = do_bind,         [OP_TMPFS] = do_tmpfs,
	[OP_PROC] = do_proc,         [OP_DEVPTS] = do_devpts,     [OP_NESTED] = do_nested,
	[OP_CGROUPNS] = do_cgroupns, [OP_TIME] = do_time,         [OP_PIVOT] = do_pivot,
	[OP_TREE] = do_tree,
	[OP_PTY] = do_pty,           [OP_CORE_SCHED] = do_core_sched, [OP_NICE] = do_nice,
};

_Noreturn static void fail(const struct walk *walk, const struct err *e)
{
	const struct box_note note = { .kind = BOX_FAILED, .err = *e };

	(void)note_send(walk->note_fd, &note, -1);
	_exit(1);
}

/* A low limit of descriptors counts numbers, not descriptors: what is not needed any more goes. */
static void close_rest(const int *keep, size_t n)
{
	int from = 3;

	for (;;) {
		int next = -1;

		for (size_t i = 0; i < n; i++)
			if (keep[i] >= from && (next < 0 || keep[i] < next))
				next = keep[i];
		if (next < 0)
			break;
		if (next > from)
			close_range((unsigned)from, (unsigned)next - 1, 0);
		from = next + 1;
	}
	close_range((unsigned)from, ~0u, 0);
}

#define KEPT 64 /* descriptors that may be passed, and ours */

/* Passed descriptors keep their numbers inside, so everything else must lie above the highest one:
 * the program's process shares our table until it executes. */
static int make_room(struct walk *walk, struct err *e)
{
	int highest = 2, kept[KEPT];
	size_t n = 0;

	for (uint32_t i = 0; i < walk->plan->n_steps; i++)
		if (walk->plan->steps[i].op == OP_PASS && (int)walk->plan->steps[i].n > highest)
			highest = (int)walk->plan->steps[i].n;
	for (uint32_t i = 0; i < walk->plan->n_steps; i++) {
		const struct step *step = &walk->plan->steps[i];
		int *fd = step->op == OP_PASS || step->op == OP_STDIO ? &walk->fds[step->fd] : NULL;

		if (!fd)
			continue;
		*fd = fcntl(*fd, F_DUPFD_CLOEXEC, highest + 1);
		if (*fd < 0)
			return err_sys(e, "move descriptor %u above %d", step->fd, highest);
		if (n == KEPT - 2)
			return err_set(e, ERR_LIMIT, "more than %d descriptors are passed", KEPT - 5);
		kept[n++] = *fd;
	}
	walk->note_fd = fcntl(walk->note_fd, F_DUPFD_CLOEXEC, highest + 1);
	if (walk->note_fd < 0)
		return err_sys(e, "move the note channel above %d", highest);
	if (walk->tty_fd >= 0 && (walk->tty_fd = fcntl(walk->tty_fd, F_DUPFD_CLOEXEC, highest + 1)) < 0)
		return err_sys(e, "move the terminal above %d", highest);
	kept[n++] = walk->note_fd;
	kept[n++] = walk->tty_fd;
	close_rest(kept, n);
	return 0;
}

static int set_up(struct walk *walk, struct err *e)
{
	const uint32_t shared_mounts = CLONE_NEWNS;
	const struct step *first = &walk->plan->steps[0];

	/* Without a user namespace the copied mounts are still the host's peers: a mount made here would
	 * show up there. */
	if (first->op == OP_NS && (first->flags & (CLONE_NEWUSER | CLONE_NEWNS)) == shared_mounts &&
	    mount_all_private(e) < 0)
		return -1;
	if (walk_side(walk, SIDE_BOX, box_table, e) < 0)
		return -1;
	if (!walk->attached && await_go(walk) < 0)
		return err_set(e, ERR_CONFLICT, "the keeper has gone");
	close(walk->go_fd);
	return make_room(walk, e);
}

static void tell_start(const struct walk *walk, int program_pid)
{
	const struct shared *shared = walk->shared;
	struct box_note note = { .kind = BOX_STARTED, .layers = walk->layers | shared->layers };

	if (shared->failed)
		fail(walk, &shared->err);
	if (shared->exec_errno) {
		note.kind = BOX_NOEXEC;
		note.value = shared->exec_errno;
		(void)note_send(walk->note_fd, &note, -1);
		_exit(1);
	}
	/* A program nobody has heard of must not run. */
	if (!note_send(walk->note_fd, &note, shared->listener > 0 ? shared->listener : -1)) {
		kill(program_pid, SIGKILL);
		_exit(1);
	}
}

/* Neither this process nor the program has a use for its bounding set; the program's step finds it empty, since it begins
 * with ours, unless its plan wants to keep capabilities. */
static int empty_bounding(const struct walk *walk, struct err *e)
{
	for (uint32_t i = 0; i < walk->plan->n_steps; i++)
		if (walk->plan->steps[i].op == OP_CAPS && walk->plan->steps[i].flags != CAPS_ALL_AMBIENT)
			return drop_bounding(e);
	return 0;
}

_Noreturn void walk_box(struct walk *walk)
{
	struct err e = ERR_INIT;
	int pid;

	prctl(PR_SET_NAME, "ward-box", 0, 0, 0);
	init_begin(walk->own_pids);
	if (await_go(walk) < 0)
		_exit(1);
	if (set_up(walk, &e) < 0 || empty_bounding(walk, &e) < 0)
		fail(walk, &e);
	init_begin(walk->own_pids);
	/* Nobody may look into this process from the moment the program exists. */
	prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
	pid = ns_spawn(walk_guest, walk, &e);
	if (pid < 0)
		fail(walk, &e);
	tell_start(walk, pid);
	munmap((void *)(uintptr_t)walk->plan, sizeof(*walk->plan));
	munmap(walk->shared, sizeof(*walk->shared));
	if (walk->lists)
		munmap(walk->lists, walk->lists_bytes);
	init_live(walk->note_fd, pid, walk->own_pids);
}
