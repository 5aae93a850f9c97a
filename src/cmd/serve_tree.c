/* Makes the tree that boxes of a class begin with. Reads what the operator's host has and nothing of a tenant, for it runs before
 * there is one. */
#include "cmd/serve_tree.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/fd.h"
#include "mech/mount.h"

struct making {
	const struct plan *plan;
	const int *fds;
	int root_fd;
};

static const char *s_of(const struct making *making, const struct step *step)
{
	return plan_string(making->plan, step->s);
}

static const char *t_of(const struct making *making, const struct step *step)
{
	return plan_string(making->plan, step->t);
}

static int make_root(struct making *making, const struct step *step, struct err *e)
{
	making->root_fd = mount_new_tmpfs(step->n, step->m, "755", MOUNT_NX, e);
	return making->root_fd < 0 ? -1 : 0;
}

static int make_dir(struct making *making, const struct step *step, struct err *e)
{
	return mount_mkdir(making->root_fd, s_of(making, step), (unsigned)step->n, e);
}

static int make_symlink(struct making *making, const struct step *step, struct err *e)
{
	return mount_mklink(making->root_fd, s_of(making, step), t_of(making, step), e);
}

static int make_file(struct making *making, const struct step *step, struct err *e)
{
	return mount_mkfile(making->root_fd, s_of(making, step), t_of(making, step), (unsigned)step->n, e);
}

/* As a box does it, but that a place which is a file and there already is nobody's mistake here. */
static int make_bind(struct making *making, const struct step *step, struct err *e)
{
	const unsigned attr = (step->flags & BIND_RDONLY ? MOUNT_RO : 0) | (step->flags & BIND_NOEXEC ? MOUNT_NX : 0) |
			      (step->flags & BIND_DEV ? MOUNT_DEV : 0);
	const char *const place = s_of(making, step);
	OWN_FD int copy = mount_clone(making->fds[step->fd], step->flags & BIND_REC, e);

	if (copy < 0 || mount_restrict(copy, attr, e) < 0 ||
	    (step->flags & BIND_FILE ? mount_mkfile(making->root_fd, place, "", 0444, e) :
				       mount_mkdir(making->root_fd, place, 0755, e)) < 0)
		return -1;
	return mount_place(TAKE_FD(copy), making->root_fd, place, e);
}

static int (*const makers[OPS])(struct making *making, const struct step *step, struct err *e) = {
	[OP_ROOT] = make_root, [OP_DIR] = make_dir,   [OP_SYMLINK] = make_symlink,
	[OP_FILE] = make_file, [OP_BIND] = make_bind,
};

/* The file system, not the mount: a box could take the latter back in its own copy while it still has rights there. */
static int make_readonly(int root_fd, struct err *e)
{
	OWN_FD int fs = (int)syscall(SYS_fspick, root_fd, "", FSPICK_EMPTY_PATH | FSPICK_CLOEXEC);

	if (fs < 0 || syscall(SYS_fsconfig, fs, FSCONFIG_SET_FLAG, "ro", NULL, 0) < 0 ||
	    syscall(SYS_fsconfig, fs, FSCONFIG_CMD_RECONFIGURE, NULL, NULL, 0) < 0)
		return err_sys(e, "make the tree's file system read-only");
	return 0;
}

static int make_all(struct making *making, struct err *e)
{
	for (uint32_t i = 0; i < making->plan->n_steps; i++) {
		const struct step *const step = &making->plan->steps[i];

		if (!makers[step->op] || (step->op == OP_ROOT) != (making->root_fd < 0))
			return err_set(e, ERR_BUG, "step %u is none of a tree", i);
		if (makers[step->op](making, step, e) < 0)
			return err_add(e, "%s", plan_op_row(step->op)->name);
	}
	return make_readonly(making->root_fd, e);
}

int serve_tree_make(const struct plan *tree, const int *fds, struct err *e)
{
	struct making making = { .plan = tree, .fds = fds, .root_fd = -1 };
	const mode_t mask = umask(022);
	const int status = make_all(&making, e);
	OWN_FD int root = making.root_fd, copy = -1;

	umask(mask);
	if (status < 0)
		return -1;
	copy = mount_clone(root, true, e);
	return copy < 0 ? err_add(e, "a tree that boxes copy") : TAKE_FD(root);
}
