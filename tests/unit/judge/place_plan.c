/* judge/place_plan: what a plan makes, read from its steps. */
#include "judge/place.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>

#include <cmocka.h>

#include "../boundary/hosts.h"

#define L(layer) LAYER_BIT(LAYER_##layer)

struct sample {
	struct sketch sketch;
	struct place place;
};

static void sample_done(struct sample *sample)
{
	place_done(&sample->place);
	sketch_done(&sample->sketch);
}

static void make(struct sample *sample, struct host host, const char *policy, const char *boundary)
{
	struct err e = ERR_INIT;

	*sample = (struct sample){ .sketch = SKETCH_NONE, .place = PLACE_NONE };
	sample->sketch.host = host;
	sketch_policy(&sample->sketch, policy);
	assert_int_equal(sketch_plan(&sample->sketch, boundary, &e), 0);
	place_from_plan(&sample->place, sample->sketch.rung.plan, &sample->sketch.policy, &sample->sketch.host,
			sample->sketch.rung.notes);
}

static const struct place_mount *mount_at(const struct place *place, const char *at)
{
	for (size_t i = 0; i < place->n_mounts; i++)
		if (strcmp(place->mounts[i].at, at) == 0)
			return &place->mounts[i];
	return NULL;
}

static void mounts_are_those_of_the_plan(void **state)
{
	OWN(sample) sample = { .place = PLACE_NONE };
	const struct place_mount *mount;

	(void)state;
	make(&sample, host_root_v2(), "default", "container");
	mount = mount_at(&sample.place, "/usr");
	assert_string_equal(mount->from, "/usr");
	assert_int_equal(mount->flags, PLACE_EXEC | PLACE_LOCKED);
	mount = mount_at(&sample.place, "/tmp");
	assert_null(mount->from);
	assert_int_equal(mount->flags, PLACE_WRITE | PLACE_EXEC);
	assert_int_equal(mount->bytes, 64 << 20);
	mount = mount_at(&sample.place, "/dev/null");
	assert_int_equal(mount->flags, PLACE_WRITE | PLACE_DEV | PLACE_FILE);
	assert_int_equal(mount_at(&sample.place, "/proc")->flags, PLACE_WRITE | PLACE_LOCKED);
	assert_false(mount_at(&sample.place, "/tmp")->flags & PLACE_LOCKED);
	assert_null(mount_at(&sample.place, "/home"));
}

static void layers_and_facts_are_told_apart(void **state)
{
	OWN(sample) sample = { .place = PLACE_NONE };

	(void)state;
	make(&sample, host_root_v2(), "default", "container");
	assert_int_equal(sample.place.holds & (LAYER_BIT(LAYERS) - 1), plan_layers(sample.sketch.rung.plan));
	assert_true(sample.place.holds & PLACE_SCOPED);
	assert_true(sample.place.holds & PLACE_OWN_USER);
	assert_false(sample.place.holds & PLACE_ONE_THREAD);
	assert_int_equal(sample.place.unknown, 0);
	sample_done(&sample);
	make(&sample, host_old_landlock(), "default", "container");
	assert_false(sample.place.holds & PLACE_SCOPED);
	assert_true(sample.place.holds & L(LANDLOCK));
	sample_done(&sample);
	make(&sample, host_user(), "default", "container");
	assert_false(sample.place.holds & PLACE_OWN_USER);
}

static void limits_are_of_the_whole_or_of_each(void **state)
{
	OWN(sample) sample = { .place = PLACE_NONE };

	(void)state;
	make(&sample, host_root_v2(), "default", "container");
	assert_int_equal(sample.place.bounds[PLACE_MEMORY].whole, KNOWN_YES);
	assert_int_equal(sample.place.bounds[PLACE_MEMORY].n, 512 << 20);
	assert_int_equal(sample.place.bounds[PLACE_CPU_TIME].n, 10000);
	assert_int_equal(sample.place.bounds[PLACE_IO].whole, KNOWN_NO);
	sample_done(&sample);
	make(&sample, host_user(), "default", "container");
	assert_int_equal(sample.place.bounds[PLACE_MEMORY].whole, KNOWN_NO);
	assert_int_equal(sample.place.bounds[PLACE_MEMORY].each, KNOWN_YES);
}

static void descriptors_are_the_streams_and_what_is_passed(void **state)
{
	OWN(sample) sample = { .place = PLACE_NONE };

	(void)state;
	make(&sample, host_root_v2(), "default", "container");
	assert_int_equal(sample.place.n_fds, 4);
	assert_int_equal(sample.place.fds[0].flags, PLACE_READS | PLACE_WARD);
	assert_int_equal(sample.place.fds[1].flags, PLACE_WRITES | PLACE_WARD);
	assert_int_equal(sample.place.fds[3].number, 7);
	assert_false(sample.place.fds[3].flags & PLACE_WARD);
	assert_int_equal(sample.place.n_arguments, 3);
	assert_int_equal(sample.place.n_variables, 2);
	assert_true(sample.place.reports_calls);
}

static void without_mounts_the_rules_of_landlock_are_the_list(void **state)
{
	OWN(sample) sample = { .place = PLACE_NONE };
	const struct place_mount *mount;

	(void)state;
	make(&sample, host_root_v2(), "version: 1\nname: x\nfiles: [{read: host}, {write: /srv/data}]\n"
				      "syscalls: {allow: [\"@default\"]}\n", "process");
	mount = mount_at(&sample.place, "/srv/data");
	assert_true(mount->flags & PLACE_WRITE);
	assert_false(mount_at(&sample.place, "/usr")->flags & PLACE_WRITE);
	assert_true(mount_at(&sample.place, "/usr")->flags & PLACE_EXEC);
	assert_string_equal(mount_at(&sample.place, "/dev/null")->type, "device");
}

static void listed_ports_are_named(void **state)
{
	OWN(sample) sample = { .place = PLACE_NONE };

	(void)state;
	make(&sample, host_root_v2(), "version: 1\nname: x\nfiles: [{read: host}]\n"
				      "network: {mode: host, connect: [443], bind: [8080]}\n"
				      "syscalls: {allow: [\"@default\", \"@net-client\"]}\n", "container");
	assert_string_equal(sample.place.ports, "serve on 8080, connect to 443");
	assert_false(sample.place.holds & L(NETNS));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(mounts_are_those_of_the_plan),
		cmocka_unit_test(layers_and_facts_are_told_apart),
		cmocka_unit_test(limits_are_of_the_whole_or_of_each),
		cmocka_unit_test(descriptors_are_the_streams_and_what_is_passed),
		cmocka_unit_test(without_mounts_the_rules_of_landlock_are_the_list),
		cmocka_unit_test(listed_ports_are_named),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
