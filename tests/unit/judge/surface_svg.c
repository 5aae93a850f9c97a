/* judge/surface_svg: the drawing, and the one the documents show. tests/e2e/test_surface.py measures it. */
#include "judge/surface.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "../boundary/hosts.h"
#include "surface_sample.h"

static void add_program(struct subject *subject, const struct plan *plan, enum plan_op op)
{
	for (uint32_t i = 0; i < plan->n_steps; i++)
		if (plan->steps[i].op == op) {
			const size_t bytes = plan->steps[i].n * sizeof(struct sock_filter);
			struct sock_filter *const program = mem_raw(bytes);

			memcpy(program, plan->bytes + plan->steps[i].s, bytes);
			subject_add_filter(subject, "filter", program, plan->steps[i].n);
			free(program);
		}
}

/* `default` as root plans it on a modern machine: the picture hangs on no host. */
static void make_default(struct sample *sample, struct sketch *sketch)
{
	static const char *const argv[] = { "program", NULL }, *const envp[] = { "PATH=/bin", "LANG=C", "HOME=/work", NULL };
	struct err e = ERR_INIT;

	sketch->host = host_root_v2();
	sketch_policy(sketch, "default");
	sketch->payload = (struct payload){ .argv = argv, .envp = envp };
	sketch->around = (struct surroundings){ .look = host_look };
	sketch->rung = (struct rung){
		.policy = &sketch->policy, .payload = &sketch->payload, .host = &sketch->host,
		.around = &sketch->around, .plan = plan_new(), .first_fd = 3,
	};
	assert_int_equal(boundary_find("container")->plan(&sketch->rung, &e), 0);
	add_program(&sample->subject, sketch->rung.plan, OP_FLOOR);
	add_program(&sample->subject, sketch->rung.plan, OP_SECCOMP);
	sample->subject.context = (struct subject_context){
		.boundary = "container", .own_user = KNOWN_YES, .own_pid = KNOWN_YES, .own_net = KNOWN_YES,
		.own_mount = KNOWN_YES, .own_ipc = KNOWN_YES, .own_uts = KNOWN_YES, .own_cgroup = KNOWN_YES,
		.own_terminal = KNOWN_YES, .no_new_privs = KNOWN_YES, .landlock = KNOWN_YES, .mdwe = KNOWN_NO,
		.caps_known = true, .kernel = sketch->host.kernel,
	};
	sample->place.name = "policy default (built in)";
	sample->place.boundary = "container";
	place_from_plan(&sample->place, sketch->rung.plan, &sketch->policy, &sketch->host, sketch->rung.notes);
	sample_make(sample);
}

#define PICTURE "docs/surface-default.svg"

/* UPDATE_GOLDEN=1 draws it anew. */
static void the_picture_in_the_documents_is_what_is_drawn(void **state)
{
	const bool update = getenv("UPDATE_GOLDEN") != NULL;
	OWN(sample) sample = SAMPLE_NONE;
	OWN(sketch) sketch = SKETCH_NONE;
	OWN(str) out = STR_NONE;
	char *kept;
	FILE *file;
	size_t len;

	(void)state;
	make_default(&sample, &sketch);
	surface_svg(&sample.surface, &out);
	file = fopen(PICTURE, update ? "w+" : "r");
	assert_non_null(file);
	if (update) {
		fputs(str_text(&out), file);
		rewind(file);
	}
	kept = mem_alloc(out.len + 2);
	len = fread(kept, 1, out.len + 1, file);
	fclose(file);
	if (len != out.len || memcmp(kept, str_text(&out), len) != 0)
		fail_msg("%s is not what is drawn: UPDATE_GOLDEN=1 %s", PICTURE, "draws it anew");
	free(kept);
}

static void names_from_outside_are_text_and_nothing_else(void **state)
{
	OWN(sample) sample = SAMPLE_NONE;
	OWN(str) out = STR_NONE;

	(void)state;
	sample.place.name = "</title><script>alert(1)</script>";
	place_add_mount(&sample.place, &(struct place_mount){ "/\"><script x='&\033\xff\xc2\x9b", "/srv", "bind", PLACE_WRITE, 0 });
	sample_make(&sample);
	surface_svg(&sample.surface, &out);
	assert_null(strstr(str_text(&out), "<script"));
	assert_null(strchr(str_text(&out), '\033'));
	assert_non_null(strstr(str_text(&out), "&#60;script&#62;"));
	for (const char *p = str_text(&out); *p; p++)
		assert_true((*p >= 0x20 && *p < 0x7f) || *p == '\n');
}

static void many_items_are_counted_and_not_drawn(void **state)
{
	OWN(sample) sample = SAMPLE_NONE;
	OWN(str) out = STR_NONE;

	(void)state;
	for (int i = 0; i < PLACE_LISTED; i++)
		place_add_mount(&sample.place, &(struct place_mount){ "/x", "/srv", "bind", PLACE_WRITE, 0 });
	sample_make(&sample);
	surface_svg(&sample.surface, &out);
	assert_non_null(strstr(str_text(&out), "more, which --json lists</text>"));
	assert_true(out.len < 1 << 20);
}

static void an_empty_surface_is_a_drawing_too(void **state)
{
	const struct place place = { .name = "nothing" };
	const struct surface surface = { .place = &place };
	OWN(str) out = STR_NONE;

	(void)state;
	surface_svg(&surface, &out);
	assert_ptr_equal(strstr(str_text(&out), "<svg "), str_text(&out));
	assert_string_equal(str_text(&out) + out.len - 7, "</svg>\n");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_picture_in_the_documents_is_what_is_drawn),
		cmocka_unit_test(names_from_outside_are_text_and_nothing_else),
		cmocka_unit_test(many_items_are_counted_and_not_drawn),
		cmocka_unit_test(an_empty_surface_is_a_drawing_too),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
