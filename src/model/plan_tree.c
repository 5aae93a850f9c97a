/* Parts a plan in two. Knows which steps make something that is the same in each box, and refuses none: what it does not
 * know stays the box's own. */
#include "model/plan_tree.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

enum part {
	PART_OWN,       /* of the box */
	PART_ROOT,
	PART_MADE,      /* a name in the root */
	PART_SHOWN,     /* a mount of what is there already */
	PART_NEW,       /* a mount of something new */
};

static const enum part parts[OPS] = {
	[OP_ROOT] = PART_ROOT,   [OP_DIR] = PART_MADE,  [OP_SYMLINK] = PART_MADE, [OP_FILE] = PART_MADE,
	[OP_BIND] = PART_SHOWN,  [OP_TMPFS] = PART_NEW, [OP_PROC] = PART_NEW,     [OP_DEVPTS] = PART_NEW,
};

struct split {
	const struct plan *from;
	struct plan *tree, *box;
	const char *const *own;
	size_t n_own;
	const char **covered;   /* places of the box's own mounts so far; borrowed of `from` */
	size_t n_covered, cap_covered;
};

static bool lies_in(const char *path, const char *place)
{
	const size_t len = strlen(place);

	return strncmp(path, place, len) == 0 && path[len] == '/';
}

static bool is_covered(const struct split *split, const char *path)
{
	for (size_t i = 0; i < split->n_covered; i++)
		if (lies_in(path, split->covered[i]))
			return true;
	return false;
}

static bool is_own(const struct split *split, const struct step *step, const char *path)
{
	for (size_t i = 0; i < split->n_own; i++)
		if (strcmp(path, split->own[i]) == 0)
			return true;
	return parts[step->op] == PART_NEW || step->flags & BIND_OWNER;
}

static void put(struct plan *plan, const struct step *step)
{
	plan->steps[plan->n_steps++] = *step;
}

/* Where a mount of the box's own will be. */
static void keep_place(struct split *split, const struct step *step, const char *path)
{
	const bool is_file = step->op == OP_BIND && step->flags & BIND_FILE;
	const struct step place = {
		.op = is_file ? OP_FILE : OP_DIR, .fd = PLAN_NO_FD, .s = step->s, .n = is_file ? 0444 : 0755,
	};

	put(split->tree, &place);
	split->covered = mem_grow(split->covered, &split->cap_covered, split->n_covered + 1, sizeof(*split->covered));
	split->covered[split->n_covered++] = path;
}

static void part_mount(struct split *split, const struct step *step)
{
	const char *const path = plan_string(split->from, step->s);
	const bool is_mount = parts[step->op] != PART_MADE;

	if (is_covered(split, path)) {
		put(split->box, step);
	} else if (is_mount && is_own(split, step, path)) {
		put(split->box, step);
		keep_place(split, step, path);
	} else {
		put(split->tree, step);
	}
}

/* Strings keep their offsets: both have all of them. */
static void copy_head(const struct plan *from, struct plan *to)
{
	memcpy(to->bytes, from->bytes, from->n_bytes);
	to->n_bytes = from->n_bytes;
	to->n_fds = from->n_fds;
	to->boundary = from->boundary;
}

int plan_take_tree(const struct plan *from, const char *const *own, size_t n, const char *whose, struct plan *tree,
		   struct plan *box, struct err *e)
{
	struct split split = { .from = from, .tree = tree, .box = box, .own = own, .n_own = n };

	copy_head(from, tree);
	copy_head(from, box);
	box->n_fds++;
	for (uint32_t i = 0; i < from->n_steps; i++) {
		const struct step *const step = &from->steps[i];

		if (parts[step->op] == PART_OWN) {
			put(box, step);
		} else if (parts[step->op] == PART_ROOT) {
			put(tree, step);
			plan_add(box, OP_TREE, .t = whose, .fd_plus_one = (uint16_t)(from->n_fds + 1));
		} else {
			part_mount(&split, step);
		}
	}
	free(split.covered);
	return plan_finish(box, e);
}
