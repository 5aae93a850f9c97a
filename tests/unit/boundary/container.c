/* boundary/container: the plan for each policy on each kind of host, and what it refuses.
 * Golden files: tests/golden/plan/container-*.txt; UPDATE_GOLDEN=1 rewrites them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "planned.h"

#define OWN_SKETCH __attribute__((cleanup(sketch_done))) struct sketch
#define HEAD "version: 1\nname: test\n"
#define TAIL "syscalls: {allow: [\"@default\"]}\n"

static const char grants[] =
	HEAD "files:\n  - read: host\n  - read: /srv/data\n    as: /a/b/data\n  - read: /srv/in.txt\n    as: /a/b/in\n"
	"  - exec: /srv/tool\n    as: /a/tool\n  - write: /srv/data\n    as: /w\n"
	"  - write: /srv/data\n    as: /x\n    exec: true\n"
	"  - scratch: /tmp\n    size: 1M\n    inodes: 32\n  - scratch: /run/x\n    exec: true\n"
	"limits: {memory: 64M, disk: 2M, inodes: 99}\n" TAIL;
static const char image[] = HEAD "image: /img\nfiles:\n  - read: image\nidentity: {uid: 5, gid: 6, hostname: judge}\n" TAIL;
static const char ports[] =
	HEAD "files:\n  - read: host\nnetwork:\n  mode: host\n  connect: [443, 80]\n  bind: [8080]\n" TAIL;
static const char all_ports[] = HEAD "files:\n  - read: host\nnetwork: host\n" TAIL;
static const char no_ports[] = HEAD "files:\n  - read: host\nnetwork:\n  mode: host\n  connect: []\n" TAIL;
static const char bare[] = HEAD "hardening: {core_sched: off, spec: off, aslr: false, mdwe: true, no_tsc: true}\n" TAIL;

static const struct {
	const char *golden, *policy;
	struct host (*host)(void);
	bool pty;
} plans[] = {
	{ "container-strict-root-v2", "strict", host_root_v2, false },
	{ "container-contest-root-v2", "contest", host_root_v2, false },
	{ "container-build-root-v2", "build", host_root_v2, true },
	{ "container-default-root-v2", "default", host_root_v2, false },
	{ "container-default-root-v1", "default", host_root_v1, false },
	{ "container-default-user-v2", "default", host_user_v2, false },
	{ "container-default-user", "default", host_user, false },
	{ "container-default-old-landlock", "default", host_old_landlock, false },
	{ "container-default-no-landlock", "default", host_no_landlock, true },
	{ "container-default-monitor", "default", host_monitor, true },
	{ "container-grants", grants, host_root_v2, false },
	{ "container-image", image, host_root_v2, false },
	{ "container-ports", ports, host_root_v2, false },
	{ "container-no-ports", no_ports, host_root_v2, false },
	{ "container-all-ports", all_ports, host_user_v2, false },
	{ "container-bare", bare, host_root_v1, false },
};

/* What the caller must open, and what people are told. */
static void add_rest(const struct rung *rung, struct str *out)
{
	for (size_t i = 0; i < rung->n_open; i++)
		str_addf(out, "open %zu %s%s%s\n", rung->first_fd + i, rung->open[i].path,
			 rung->open[i].directory ? " directory" : "", rung->open[i].follow ? " follow" : "");
}

static void a_plan_matches_its_golden_file_and_may_run(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(plans); i++) {
		OWN_SKETCH sketch = SKETCH_NONE;
		OWN(str) text = STR_NONE;

		sketch.host = plans[i].host();
		sketch.pty = plans[i].pty;
		sketch_policy(&sketch, plans[i].policy);
		planned_text(&sketch, "container", plans[i].golden, &text);
		add_rest(&sketch.rung, &text);
		planned_notes(&sketch, &text);
		expect_golden(plans[i].golden, str_text(&text));
	}
}

static void each_descriptor_of_a_plan_is_opened_by_somebody(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(plans); i++) {
		OWN_SKETCH sketch = SKETCH_NONE;
		struct err e = ERR_INIT;

		sketch.host = plans[i].host();
		sketch_policy(&sketch, plans[i].policy);
		assert_int_equal(sketch_plan(&sketch, "container", &e), 0);
		assert_int_equal(sketch.rung.plan->n_fds, sketch.rung.first_fd + sketch.rung.n_open);
		for (uint32_t k = 0; k < sketch.rung.plan->n_steps; k++) {
			const struct step *step = &sketch.rung.plan->steps[k];

			if (step->op != OP_BIND)
				continue;
			assert_true(step->fd >= sketch.rung.first_fd);
			assert_string_equal(sketch.rung.open[step->fd - sketch.rung.first_fd].path,
					    plan_string(sketch.rung.plan, step->t));
		}
	}
}

static void planning_twice_gives_the_same_plan(void **state)
{
	OWN_SKETCH one = SKETCH_NONE;
	OWN_SKETCH two = SKETCH_NONE;
	struct err e = ERR_INIT;

	(void)state;
	one.host = two.host = host_root_v2();
	sketch_policy(&one, grants);
	sketch_policy(&two, grants);
	assert_int_equal(sketch_plan(&one, "container", &e), 0);
	assert_int_equal(sketch_plan(&two, "container", &e), 0);
	assert_memory_equal(one.rung.plan, two.rung.plan, sizeof(struct plan));
}

/* ---- refusals ---- */

static void old_landlock(struct host *host)
{
	host->landlock_abi = 3;
}

static void no_cores(struct host *host)
{
	host->core_sched = false;
}

static void no_spec(struct host *host)
{
	host->spec_branch = false;
}

static void no_cgroup(struct host *host)
{
	host->cgroup_limits = 0;
	strcpy(host->cgroup_why, "because");
}

static void some_cgroup(struct host *host)
{
	host->cgroup_limits = 1u << LIMIT_MEMORY;
}

static const struct {
	const char *policy;
	void (*change)(struct host *host);
	enum err_kind kind;
	const char *text;
} refusals[] = {
	{ HEAD "files:\n  - read: /srv/none\n" TAIL, NULL, ERR_MISSING,
	  "test.yaml:4: /srv/none does not exist; create it or take the grant out" },
	{ HEAD "files:\n  - write: /srv/link\n" TAIL, NULL, ERR_USAGE,
	  "test.yaml:4: /srv/link is a symbolic link; grant what it points to (in.txt)" },
	{ HEAD "files:\n  - read: /srv/sock\n" TAIL, NULL, ERR_DENIED,
	  "test.yaml:4: /srv/sock is a device, socket or pipe; only files and directories can be granted" },
	{ HEAD "image: /srv\nfiles:\n  - read: image\n" TAIL, NULL, ERR_MISSING,
	  "image /srv holds no /usr, /bin or other tree of programs" },
	{ HEAD "limits: {memory: 64M}\n" TAIL, no_cgroup, ERR_UNSUPPORTED,
	  "limits of the whole box need a cgroup: because (or name the weaker way in the policy: "
	  "fallback: [rlimits])" },
	{ HEAD "limits: {memory: 64M, pids: 5}\n" TAIL, some_cgroup, ERR_UNSUPPORTED,
	  "limits of the whole box need a cgroup: a controller is missing (or name the weaker way in the policy: "
	  "fallback: [rlimits])" },
	{ "strict", no_cgroup, ERR_UNSUPPORTED,
	  "limits of the whole box need a cgroup: because (or name the weaker way in the policy: "
	  "fallback: [rlimits])" },
	{ HEAD "hardening: {core_sched: on}\n" TAIL, no_cores, ERR_UNSUPPORTED,
	  "hardening.core_sched: this kernel has no core scheduling (CONFIG_SCHED_CORE), or the processor's "
	  "cores have one thread each; use auto" },
	{ HEAD "hardening: {spec: strict}\n" TAIL, no_spec, ERR_UNSUPPORTED,
	  "hardening.spec: the processor or kernel does not let speculation be restricted for one process; use auto" },
	{ HEAD "network:\n  mode: host\n  connect: [443]\n" TAIL, old_landlock, ERR_UNSUPPORTED,
	  "network: only listed ports needs Landlock ABI 4 (Linux 6.7); this kernel has 3; take the lists out "
	  "to allow all ports" },
	{ HEAD "syscalls: {allow: [\"@default\", ptrace]}\n", NULL, ERR_DENIED,
	  "the policy allows ptrace, which ward gives no box; take it out of syscalls.allow and syscalls.rules" },
	{ HEAD "syscalls: {allow: [read]}\n", NULL, ERR_DENIED,
	  "the policy refuses execve, so nothing could be started; add \"@startup\" to syscalls.allow" },
};

static void what_cannot_be_had_is_refused_with_cause_and_fix(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(refusals); i++) {
		OWN_SKETCH sketch = SKETCH_NONE;
		struct err e = ERR_INIT;

		sketch.host = host_root_v2();
		if (refusals[i].change)
			refusals[i].change(&sketch.host);
		sketch_policy(&sketch, refusals[i].policy);
		assert_int_equal(sketch_plan(&sketch, "container", &e), -1);
		assert_string_equal(e.text, refusals[i].text);
		assert_int_equal(e.kind, refusals[i].kind);
	}
}

static void auto_never_refuses_what_on_would(void **state)
{
	OWN_SKETCH sketch = SKETCH_NONE;
	struct err e = ERR_INIT;

	(void)state;
	sketch.host = host_root_v2();
	no_cores(&sketch.host);
	no_spec(&sketch.host);
	sketch_policy(&sketch, HEAD "threat: hostile\nhardening: {core_sched: auto, spec: auto}\n" TAIL);
	assert_int_equal(sketch_plan(&sketch, "container", &e), 0);
	assert_false(plan_layers(sketch.rung.plan) & (LAYER_BIT(LAYER_CORE_SCHED) | LAYER_BIT(LAYER_SPEC)));
}

static void a_host_must_have_user_namespaces_and_mounts_by_descriptor(void **state)
{
	const struct boundary *container = boundary_find("container");
	struct host host = host_user();
	struct err e = ERR_INIT;

	(void)state;
	assert_int_equal(container->probe(&host, &e), 0);
	host.kernel = 0x050bff;
	assert_int_equal(container->probe(&host, &e), -1);
	assert_string_equal(e.text, "container needs Linux 5.12 (mount_setattr)");
	host.userns = false;
	strcpy(host.userns_why, "because");
	assert_int_equal(container->probe(&host, &e), -1);
	assert_int_equal(e.kind, ERR_UNSUPPORTED);
	assert_string_equal(e.text, "container needs user namespaces: because");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_plan_matches_its_golden_file_and_may_run),
		cmocka_unit_test(each_descriptor_of_a_plan_is_opened_by_somebody),
		cmocka_unit_test(planning_twice_gives_the_same_plan),
		cmocka_unit_test(what_cannot_be_had_is_refused_with_cause_and_fix),
		cmocka_unit_test(auto_never_refuses_what_on_would),
		cmocka_unit_test(a_host_must_have_user_namespaces_and_mounts_by_descriptor),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
