/* Builds, orders and prints plans. Knows the table of operations and nothing about doing them. */
#include "model/plan.h"

#include <inttypes.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "base/mem.h"

#ifndef CLONE_NEWTIME
#define CLONE_NEWTIME 0x80
#endif

static const struct op_row rows[OPS] = {
#define OP(id, name, phase, side, layer, operands) \
	[OP_##id] = { name, PHASE_##phase, SIDE_##side, layer, operands },
#include "model/plan_ops.def"
#undef OP
};

static const char *const side_names[] = { "host", "box", "guest" };

const struct op_row *plan_op_row(enum plan_op op)
{
	return op > OP_NONE && op < OPS ? &rows[op] : NULL;
}

struct plan *plan_new(void)
{
	struct plan *plan = mmap(NULL, sizeof(*plan), PROT_READ | PROT_WRITE,
				 MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	if (plan == MAP_FAILED)
		mem_fail();
	plan->n_bytes = 1;
	return plan;
}

void plan_free(struct plan *plan)
{
	if (plan)
		munmap(plan, sizeof(*plan));
}

/* Returns the offset, 0 when it did not fit; the overflow shows as n_bytes = UINT32_MAX. */
static uint32_t put(struct plan *plan, const void *bytes, size_t len)
{
	const uint32_t at = plan->n_bytes;

	if (at > PLAN_BYTES || len > PLAN_BYTES - at) {
		plan->n_bytes = UINT32_MAX;
		return 0;
	}
	memcpy(plan->bytes + at, bytes, len);
	plan->n_bytes = at + (uint32_t)len;
	return at;
}

static uint32_t put_string(struct plan *plan, const char *text)
{
	return text && *text ? put(plan, text, strlen(text) + 1) : 0;
}

static struct step *next_step(struct plan *plan, enum plan_op op, const struct plan_args *args)
{
	struct step *step;

	if (plan->n_steps >= PLAN_STEPS) {
		plan->n_steps = PLAN_STEPS + 1;
		return NULL;
	}
	step = &plan->steps[plan->n_steps++];
	step->op = (uint16_t)op;
	step->fd = args->fd_plus_one ? (uint16_t)(args->fd_plus_one - 1) : PLAN_NO_FD;
	step->flags = args->flags;
	step->n = args->n;
	step->m = args->m;
	return step;
}

void plan_add_step(struct plan *plan, enum plan_op op, struct plan_args args)
{
	struct step *step = next_step(plan, op, &args);

	if (!step)
		return;
	step->s = put_string(plan, args.s);
	step->t = put_string(plan, args.t);
}

void plan_add_bytes(struct plan *plan, enum plan_op op, const void *bytes, size_t len,
		    struct plan_args args)
{
	static const char zeros[8];
	struct step *step;

	/* Instructions are read in place, so they lie on an eight-byte boundary. */
	if (plan->n_bytes <= PLAN_BYTES && plan->n_bytes % 8)
		put(plan, zeros, 8 - plan->n_bytes % 8);
	step = next_step(plan, op, &args);
	if (!step)
		return;
	step->s = put(plan, bytes, len);
	put(plan, zeros, 1); /* bytes[] always ends in NUL */
}

static uint32_t put_list(struct plan *plan, const char *const *list, uint64_t *n)
{
	const uint32_t at = plan->n_bytes;

	for (*n = 0; list[*n]; ++*n)
		put(plan, list[*n], strlen(list[*n]) + 1);
	return *n ? at : 0;
}

void plan_add_exec(struct plan *plan, const char *const *argv, const char *const *envp)
{
	const struct plan_args none = { .s = NULL };
	struct step *step = next_step(plan, OP_EXEC, &none);

	if (!step)
		return;
	step->s = put_list(plan, argv, &step->n);
	step->t = put_list(plan, envp, &step->m);
}

/* Counting sort: stable, so that steps of one phase stay in the order they were added. */
static void sort_by_phase(struct plan *plan)
{
	const size_t bytes = plan->n_steps * sizeof(struct step);
	OWN_MEM struct step *copy = mem_raw(bytes);
	uint32_t to = 0;

	memcpy(copy, plan->steps, bytes);
	for (unsigned phase = 0; phase <= PHASE_EXEC; phase++)
		for (uint32_t i = 0; i < plan->n_steps; i++)
			if (rows[copy[i].op].phase == phase)
				plan->steps[to++] = copy[i];
}

int plan_finish(struct plan *plan, struct err *e)
{
	if (plan->n_steps > PLAN_STEPS)
		return err_set(e, ERR_LIMIT, "the plan needs more than %d steps; grant directories "
			       "instead of single files", PLAN_STEPS);
	if (plan->n_bytes > PLAN_BYTES)
		return err_set(e, ERR_LIMIT, "the plan's paths, arguments and environment need more "
			       "than %d KiB", PLAN_BYTES / 1024);
	sort_by_phase(plan);
	return 0;
}

static const struct {
	uint32_t flag;
	enum layer layer;
} namespaces[] = {
	{ CLONE_NEWUSER, LAYER_USERNS }, { CLONE_NEWNS, LAYER_MOUNTNS }, { CLONE_NEWPID, LAYER_PIDNS },
	{ CLONE_NEWNET, LAYER_NETNS },   { CLONE_NEWIPC, LAYER_IPCNS },  { CLONE_NEWUTS, LAYER_UTSNS },
};

/* LAYERS where a limit is no layer of its own. */
static const uint8_t limit_layers[PLAN_LIMITS] = {
	[LIMIT_MEMORY] = LAYER_CG_MEMORY, [LIMIT_SWAP] = LAYER_CG_SWAP,
	[LIMIT_PIDS] = LAYER_CG_PIDS,     [LIMIT_CPUS] = LAYER_CG_CPU,
	[LIMIT_IO_READ] = LAYER_CG_IO,    [LIMIT_IO_WRITE] = LAYER_CG_IO,
	[LIMIT_CPU_TIME] = LAYERS,
};

/* The knife leaves a step in place where others need it, but what it installs then holds nothing. */
static bool is_blunt(const struct step *step)
{
	return (step->op == OP_PROC && step->flags != PROC_OWN_PIDS) ||
	       (step->op == OP_CAPS && step->flags == CAPS_ALL_AMBIENT);
}

uint64_t plan_step_layers(const struct step *step)
{
	uint64_t layers = 0;

	if (step->op == OP_NS)
		for (size_t i = 0; i < ARRAY_SIZE(namespaces); i++)
			if (step->flags & namespaces[i].flag)
				layers |= LAYER_BIT(namespaces[i].layer);
	if (step->op == OP_CGROUP_LIMIT && step->flags < PLAN_LIMITS &&
	    limit_layers[step->flags] != LAYERS)
		layers |= LAYER_BIT(limit_layers[step->flags]);
	if (rows[step->op].layer != LAYERS && !is_blunt(step))
		layers |= LAYER_BIT(rows[step->op].layer);
	return layers;
}

uint64_t plan_layers(const struct plan *plan)
{
	uint64_t layers = 0;

	for (uint32_t i = 0; i < plan->n_steps; i++)
		layers |= plan_step_layers(&plan->steps[i]);
	return layers;
}

/* Removes the steps keep() says no to, in place. */
static void filter_steps(struct plan *plan, bool (*keep)(struct step *step, enum layer layer),
			 enum layer layer)
{
	uint32_t to = 0;

	for (uint32_t i = 0; i < plan->n_steps; i++)
		if (keep(&plan->steps[i], layer))
			plan->steps[to++] = plan->steps[i];
	plan->n_steps = to;
}

static bool is_phase(const struct step *step, enum plan_phase first, enum plan_phase last)
{
	return rows[step->op].phase >= first && rows[step->op].phase <= last;
}

/* The box sees the host's whole tree: what a mount namespace and a fresh root keep from it. */
static bool keep_without_root(struct step *step, enum layer layer)
{
	if (step->op == OP_NS && layer == LAYER_MOUNTNS)
		step->flags &= ~(uint32_t)CLONE_NEWNS;
	/* Layers of their own that mount nothing. */
	if (step->op == OP_NESTED || step->op == OP_TIME || step->op == OP_CGROUPNS)
		return true;
	return !is_phase(step, PHASE_MOUNT, PHASE_TERMINAL) && step->op != OP_CHDIR;
}

static bool keep_without_landlock(struct step *step, enum layer layer)
{
	(void)layer;
	return !is_phase(step, PHASE_LANDLOCK, PHASE_LANDLOCK);
}

static bool keep_without_userns(struct step *step, enum layer layer)
{
	(void)layer;
	if (step->op == OP_NS)
		step->flags &= ~(uint32_t)CLONE_NEWUSER;
	return step->op != OP_IDMAP && step->op != OP_NESTED;
}

static bool keep_without(struct step *step, enum layer layer)
{
	const uint64_t bit = LAYER_BIT(layer);

	for (size_t i = 0; i < ARRAY_SIZE(namespaces); i++)
		if (step->op == OP_NS && namespaces[i].layer == layer)
			step->flags &= ~namespaces[i].flag;
	if (step->op == OP_NS)
		return true;
	/* v1 counts memory and swap together: there is no limit of swap alone. */
	if (step->op == OP_CGROUP_LIMIT && step->flags == LIMIT_SWAP && layer == LAYER_CG_MEMORY)
		return false;
	if (step->op == OP_LOOPBACK && layer == LAYER_NETNS)
		return false;
	if (step->op == OP_HOSTNAME && layer == LAYER_UTSNS)
		return false;
	if (step->op == OP_PROC && (layer == LAYER_PROC || layer == LAYER_PIDNS)) {
		step->flags = layer == LAYER_PROC ? PROC_WHOLE : PROC_OF_HOST;
		return true;
	}
	if (step->op == OP_CAPS && (layer == LAYER_CAPS || layer == LAYER_NNP)) {
		step->flags = layer == LAYER_CAPS ? CAPS_ALL_AMBIENT : CAPS_ADMIN_UNTIL_EXEC;
		return true;
	}
	return !(plan_step_layers(step) & bit);
}

/* Without a user namespace the ids inside are the ids outside. */
static void identity_outside(struct plan *plan)
{
	uint64_t id[2] = { 0, 0 };

	for (uint32_t i = 0; i < plan->n_steps; i++) {
		struct step *step = &plan->steps[i];

		if (step->op == OP_IDMAP && step->flags < 2)
			id[step->flags] = step->m;
		if (step->op == OP_IDENTITY && id[0] && id[1]) {
			step->n = id[0];
			step->m = id[1];
		}
	}
}

int plan_without(struct plan *plan, enum layer layer, struct err *e)
{
	if (!(plan_layers(plan) & LAYER_BIT(layer)))
		return err_set(e, ERR_UNSUPPORTED, "the plan has no layer '%s'", layer_name(layer));
	if (layer == LAYER_USERNS) {
		identity_outside(plan);
		filter_steps(plan, keep_without_userns, layer);
	} else if (layer == LAYER_MOUNTNS || layer == LAYER_ROOTFS) {
		filter_steps(plan, keep_without_root, layer);
	} else if (layer == LAYER_LANDLOCK) {
		filter_steps(plan, keep_without_landlock, layer);
	} else {
		filter_steps(plan, keep_without, layer);
	}
	return 0;
}

/* Quotes what would not be one plain word, so that a plan's text has one reading. */
static void add_word(struct str *out, const char *text, size_t len)
{
	bool plain = len > 0;

	for (size_t i = 0; i < len; i++)
		plain &= text[i] > ' ' && text[i] < 0x7f && text[i] != '"' && text[i] != '\\';
	if (plain) {
		str_add_bytes(out, text, len);
		return;
	}
	str_add(out, "\"");
	for (size_t i = 0; i < len; i++) {
		const unsigned char c = (unsigned char)text[i];

		if (c == '"' || c == '\\')
			str_addf(out, "\\%c", c);
		else if (c < ' ' || c >= 0x7f)
			str_addf(out, "\\x%02x", c);
		else
			str_add_bytes(out, &text[i], 1);
	}
	str_add(out, "\"");
}

static void add_list(struct str *out, const char *name, const char *at, uint64_t n)
{
	str_addf(out, " %s=[", name);
	for (uint64_t i = 0; i < n; i++) {
		if (i)
			str_add(out, " ");
		add_word(out, at, strlen(at));
		at += strlen(at) + 1;
	}
	str_add(out, "]");
}

/* FNV-1a: a name for a program that fits a line; --explain and surface show what is in it. */
static uint64_t digest(const char *bytes, size_t len)
{
	uint64_t hash = 0xcbf29ce484222325u;

	for (size_t i = 0; i < len; i++)
		hash = (hash ^ (unsigned char)bytes[i]) * 0x100000001b3u;
	return hash;
}

static void add_operands(const struct plan *plan, const struct step *step, struct str *out)
{
	const char *const s = plan_string(plan, step->s), *const t = plan_string(plan, step->t);

	if (step->op == OP_EXEC) {
		add_list(out, "argv", s, step->n);
		add_list(out, "env", t, step->m);
		return;
	}
	if (step->op == OP_SECCOMP || step->op == OP_FLOOR) {
		str_addf(out, " instructions=%" PRIu64 " digest=%016" PRIx64, step->n,
			 digest(s, step->n * 8));
	} else {
		for (const char *letter = rows[step->op].operands; *letter; letter++) {
			if (*letter == 's' || *letter == 't') {
				str_add(out, " ");
				add_word(out, *letter == 's' ? s : t, strlen(*letter == 's' ? s : t));
			}
			if (*letter == 'n' || *letter == 'm')
				str_addf(out, " %c=%" PRIu64, *letter, *letter == 'n' ? step->n : step->m);
		}
	}
	if (step->fd != PLAN_NO_FD)
		str_addf(out, " fd=%u", step->fd);
	if (step->flags)
		str_addf(out, " flags=%#x", step->flags);
}

void plan_text(const struct plan *plan, struct str *out)
{
	for (uint32_t i = 0; i < plan->n_steps; i++) {
		const struct step *step = &plan->steps[i];
		const struct op_row *row = &rows[step->op];

		str_addf(out, *row->operands ? "%-6s%-14s" : "%-6s%s", side_names[row->side], row->name);
		add_operands(plan, step, out);
		str_add(out, "\n");
	}
}
