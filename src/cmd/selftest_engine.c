/* Runs guests that attempt what their engine must refuse, and finds the program that takes the engine's place. */
#include "cmd/selftest_engine.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/fd.h"
#include "boundary/boundary.h"
#include "cmd/beside.h"
#include "cmd/fit.h"
#include "cmd/host.h"
#include "judge/nest.h"

enum { NOT_RUN = 126 };

static const struct filter_row module_calls[] = {
#define ENGINE(name) { .nr = SYS_##name, .act = FILTER_ALLOW, .origin = "seal" },
#define WASI(name) { .nr = SYS_##name, .act = FILTER_ALLOW, .origin = "seal" },
#include "model/engine_calls.def"
#undef ENGINE
#undef WASI
};

static const struct filter_row script_calls[] = {
#define GUEST(name) { .nr = SYS_##name, .act = FILTER_ALLOW, .origin = "seal" },
#define SERVE(name)
#define ZYGOTE(name)
#include "model/guest_calls.def"
#undef GUEST
#undef SERVE
#undef ZYGOTE
};

int selftest_engine_find(struct selftest *self, struct err *e)
{
	char name[32];

	policy_format(&self->policy, KEY_BOUNDARY, name, sizeof(name));
	self->kind = guest_kind_find(name);
	if (!self->kind)
		return 0;
	host_find_engine(&self->host);
	if (!*self->host.engine)
		return err_set(e, ERR_UNSUPPORTED, "boundary %s: %s", name, self->host.engine_why);
	self->engine = arena_copy(&self->arena, self->host.engine, strlen(self->host.engine));
	return beside_find("ward-escaped", &self->arena, &self->in_its_place, e);
}

int selftest_engine_set_out(struct selftest *self, struct err *e)
{
	if (!self->kind)
		return 0;
	self->guest = markers_path(&self->markers, "guest");
	OWN_FD int fd = open(self->guest, O_CREAT | O_EXCL | O_WRONLY | O_CLOEXEC, 0644);

	if (fd < 0 || fchmod(fd, 0644) < 0)
		return err_sys(e, "%s", self->guest);
	return markers_set_out_guest(&self->markers, self->in_its_place, &self->in_its_place, e);
}

void selftest_engine_use(struct selftest *self, const char *program)
{
	if (strlen(program) < sizeof(self->host.engine))
		memcpy(self->host.engine, program, strlen(program) + 1);
}

static void find_numbers(struct selftest *self, const struct plan *plan)
{
	const struct grant *const scratch = selftest_scratch(&self->policy);
	struct nest nest;

	nest_read(plan, &self->arena, &nest);
	self->scene = (struct guest_scene){ .read_fd = -1, .write_fd = -1 };
	for (size_t i = 0; i < nest.n_directories; i++) {
		if (strcmp(nest.directories[i].name, self->markers.granted) == 0)
			self->scene.read_fd = (int)i + NEST_FIRST;
		if (scratch && strcmp(nest.directories[i].name, scratch->as) == 0)
			self->scene.write_fd = (int)i + NEST_FIRST;
	}
}

int selftest_engine_look(struct selftest *self, struct err *e)
{
	const char *const argv[] = { self->guest, NULL }, *const envp[] = { NULL };
	const struct payload payload = {
		.argv = argv, .envp = envp, .pass_numbers = self->policy.pass_fds, .n_pass = self->policy.n_pass,
	};
	const bool is_script = self->kind->group == GROUP_JS;
	OWN(fit) fit = FIT_NONE;

	if (fit_make(&self->policy, &payload, &self->host, &fit, e) < 0)
		return -1;
	find_numbers(self, fit.plan);
	self->of_engine = self->policy;
	self->of_engine.values[KEY_NETWORK] = (struct policy_value){ .set = true, .n = NETWORK_NONE };
	self->of_engine.syscalls = (struct filter_set){
		.rows = (struct filter_row *)(uintptr_t)(is_script ? script_calls : module_calls),
		.n_rows = is_script ? ARRAY_SIZE(script_calls) : ARRAY_SIZE(module_calls),
		.otherwise = FILTER_KILL,
	};
	return 0;
}

static int write_guest(const struct selftest *self, const bool *selected, struct err *e)
{
	OWN(str) bytes = STR_NONE;
	OWN_FD int fd = open(self->guest, O_WRONLY | O_TRUNC | O_CLOEXEC);

	if (fd < 0)
		return err_sys(e, "%s", self->guest);
	self->kind->make(selected, &self->scene, &bytes);
	return fd_write_all(fd, str_text(&bytes), bytes.len, e);
}

static int ask_guest(struct selftest *self, struct selftest_pass *pass, enum layer without, const bool *selected,
		     struct result *result, struct err *e)
{
	const char *const argv[] = { self->guest, NULL };
	const struct selftest_asked asked = { .without = without };

	if (write_guest(self, selected, e) < 0)
		return -1;
	selftest_engine_use(self, self->engine);
	return selftest_launch(self, pass, argv, &asked, result, e);
}

/* A guest that was not run at all: that is the refusal. */
static int ask_alone(struct selftest *self, struct selftest_pass *pass, enum layer without,
		     const struct attempt_row *row, struct err *e)
{
	OWN_MEM bool *selected = mem_alloc(attempt_count() * sizeof(*selected));
	struct selftest_record *const record = &pass->records[attempt_index(row)];
	struct result result;

	selected[attempt_index(row)] = true;
	if (ask_guest(self, pass, without, selected, &result, e) < 0)
		return -1;
	if (record->kind == OUTCOME_NONE && result.exit_code == NOT_RUN)
		*record = (struct selftest_record){ .kind = OUTCOME_REFUSED, .begun = true, .detail = "not run" };
	return 0;
}

int selftest_engine_pass(struct selftest *self, struct selftest_pass *pass, enum layer without,
			 struct result *result, struct err *e)
{
	OWN_MEM bool *selected = mem_alloc(attempt_count() * sizeof(*selected));
	bool some = false;

	/* The seal is the engine's own: with it in place a guest has the whole engine or none. */
	for (size_t i = 0; without != GUARD_SEAL && i < attempt_count(); i++) {
		const struct attempt_row *const row = attempt_at(i);
		const bool is_ours = self->selected[i] && row->group == self->kind->group;

		if (is_ours && (row->how & HOW_ALONE) && ask_alone(self, pass, without, row, e) < 0)
			return -1;
		selected[i] = is_ours && !(row->how & HOW_ALONE);
		some |= selected[i];
	}
	return some ? ask_guest(self, pass, without, selected, result, e) : 0;
}
