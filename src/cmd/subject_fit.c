/* The filters that a box will have, as what the analysis judges. */
#include "cmd/subject_fit.h"

#include <errno.h>
#include <linux/seccomp.h>
#include <string.h>

#include "base/mem.h"

/* The floor asks with nobody listening: the kernel then answers ENOSYS (ARCHITECTURE.md, 8). */
static void add_floor(struct subject *subject, const struct plan *plan)
{
	for (size_t i = 0; i < plan->n_steps; i++) {
		const struct step *const step = &plan->steps[i];
		struct sock_filter program[BPF_MAXINSNS];

		if (step->op != OP_FLOOR || step->n > BPF_MAXINSNS)
			continue;
		/* Nothing in a plan is aligned. */
		memcpy(program, plan->bytes + step->s, step->n * sizeof(*program));
		for (size_t at = 0; at < step->n; at++)
			if (program[at].code == (BPF_RET | BPF_K) && program[at].k == SECCOMP_RET_USER_NOTIF)
				program[at].k = SECCOMP_RET_ERRNO | ENOSYS;
		subject_add_filter(subject, "floor", program, step->n);
	}
}

/* The policy's filter, with what ward answers in place of its questions: a report changes what is
 * recorded, not what is refused. */
static int add_rows(struct subject *subject, const struct filter_set *rows, struct err *e)
{
	OWN(filter_set) set = { .otherwise = rows->otherwise, .otherwise_sys = rows->otherwise_sys };
	struct sock_filter program[BPF_MAXINSNS];
	size_t n;

	filter_add_set(&set, rows);
	if (set.otherwise == FILTER_NOTIFY)
		set.otherwise = FILTER_ERRNO;
	for (size_t i = 0; i < set.n_rows; i++)
		if (set.rows[i].act == FILTER_NOTIFY)
			set.rows[i].act = FILTER_ERRNO;
	if (filter_build(&set, program, BPF_MAXINSNS, &n, e) < 0)
		return -1;
	subject_add_filter(subject, "policy", program, n);
	return 0;
}

static enum known holds(uint64_t layers, enum layer layer)
{
	return layers & LAYER_BIT(layer) ? KNOWN_YES : KNOWN_NO;
}

static void fill_context(struct subject *subject, const struct fit *fit, const struct host *host)
{
	const uint64_t layers = plan_layers(fit->plan);

	subject->context = (struct subject_context){
		.boundary = fit->boundary->name,
		.own_user = holds(layers, LAYER_USERNS),
		.own_pid = holds(layers, LAYER_PIDNS),
		.own_net = holds(layers, LAYER_NETNS),
		.own_mount = holds(layers, LAYER_MOUNTNS),
		.own_ipc = holds(layers, LAYER_IPCNS),
		.own_uts = holds(layers, LAYER_UTSNS),
		.own_cgroup = holds(layers, LAYER_CGROUPNS),
		.own_terminal = holds(layers, LAYER_SESSION),
		.no_new_privs = holds(layers, LAYER_NNP),
		.landlock = holds(layers, LAYER_LANDLOCK),
		.mdwe = holds(layers, LAYER_MDWE),
		.caps_known = layers & LAYER_BIT(LAYER_CAPS),
		.kernel = host->kernel,
	};
}

int subject_add_fit(struct subject *subject, const struct fit *fit, const struct host *host, struct err *e)
{
	subject->calls_are_fixed = fit->boundary->reads_program;
	add_floor(subject, fit->plan);
	if (add_rows(subject, &fit->rung.filter, e) < 0)
		return -1;
	fill_context(subject, fit, host);
	return 0;
}
