/* Wherever a path leads, it does not lead out: also when somebody renames meanwhile. */
#include "wasi/beneath.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include "guest.h"

static uint32_t result_of(const struct guest *g, const char *path)
{
	uint32_t why = WASI_SUCCESS;
	const int fd = beneath_open(g->w.slots[RW].fd, path, O_RDONLY, 0, &why);

	if (fd >= 0)
		close(fd);
	return why;
}

static void a_path_that_leads_out_is_refused(void **state)
{
	struct guest *const g = *state;
	char outside[128];

	snprintf(outside, sizeof(outside), "%s/outside", g->top);
	assert_int_equal(symlinkat("../outside", g->w.slots[RW].fd, "relative"), 0);
	assert_int_equal(symlinkat(outside, g->w.slots[RW].fd, "absolute"), 0);
	assert_int_equal(symlinkat("/proc/self/fd/0", g->w.slots[RW].fd, "magic"), 0);
	assert_int_equal(symlinkat("dir/../../rw/file", g->w.slots[RW].fd, "out-and-in"), 0);
	const char *const paths[] = { "..", "../outside/secret", "dir/../../outside/secret", "/etc/passwd", outside,
				      "relative/secret", "relative", "absolute/secret", "absolute", "magic", "out-and-in",
				      "../rw/file" };
	for (size_t i = 0; i < ARRAY_SIZE(paths); i++)
		if (result_of(g, paths[i]) != WASI_PERM)
			fail_msg("%s: %u", paths[i], result_of(g, paths[i]));
	assert_int_equal(result_of(g, "dir/../file"), WASI_SUCCESS);
}

static void a_link_that_stays_inside_is_followed(void **state)
{
	struct guest *const g = *state;

	assert_int_equal(symlinkat("../file", g->w.slots[RW].fd, "dir/link"), 0);
	assert_int_equal(result_of(g, "dir/link"), WASI_SUCCESS);
	assert_int_equal(symlinkat("loop", g->w.slots[RW].fd, "loop"), 0);
	assert_int_equal(result_of(g, "loop"), WASI_LOOP);
}

static void a_mount_below_is_another_place(void **state)
{
	uint32_t why = WASI_SUCCESS;
	const int root = open("/", O_PATH | O_CLOEXEC);

	(void)state;
	assert_int_equal(beneath_open(root, "proc/self/environ", O_RDONLY, 0, &why), -1);
	assert_int_equal(why, WASI_PERM);
	close(root);
}

static uint32_t parent_of(const struct guest *g, const char *text, char *leaf, bool *directory)
{
	char path[MEMORY_PATH];
	OWN(beneath) at = BENEATH_NONE;
	uint32_t why;

	snprintf(path, sizeof(path), "%s", text);
	why = beneath_parent(g->w.slots[RW].fd, path, &at);
	if (why == WASI_SUCCESS)
		snprintf(leaf, 64, "%s", at.leaf);
	*directory = at.directory;
	return why;
}

static void the_last_name_is_plain_and_the_rest_is_beneath(void **state)
{
	static const struct {
		const char *path, *leaf;
		uint32_t why;
		bool directory;
	} rows[] = {
		{ "file", "file", WASI_SUCCESS, false },     { "dir/x", "x", WASI_SUCCESS, false },
		{ "dir/x///", "x", WASI_SUCCESS, true },     { "dir//x", "x", WASI_SUCCESS, false },
		{ "", "", WASI_NOENT, false },               { ".", "", WASI_INVAL, false },
		{ "..", "", WASI_INVAL, false },             { "dir/..", "", WASI_INVAL, false },
		{ "dir/../", "", WASI_INVAL, false },        { "./", "", WASI_INVAL, false },
		{ "/file", "", WASI_PERM, false },           { "/", "", WASI_PERM, false },
		{ "../outside/x", "", WASI_PERM, false },    { "absent/x", "", WASI_NOENT, false },
		{ "file/x", "", WASI_NOTDIR, false },        { "dir/../../outside/x", "", WASI_PERM, false },
	};
	struct guest *const g = *state;

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		char leaf[64] = "";
		bool directory = false;
		const uint32_t why = parent_of(g, rows[i].path, leaf, &directory);

		if (why != rows[i].why || strcmp(leaf, rows[i].leaf) || (!why && directory != rows[i].directory))
			fail_msg("'%s': %u, '%s'", rows[i].path, why, leaf);
	}
}

/* Swaps a directory and a link to the place outside until it is killed. */
static _Noreturn void swap_for_ever(int dir)
{
	for (;;)
		syscall(SYS_renameat2, dir, "swap", dir, "link", 2 /* RENAME_EXCHANGE */);
}

/* WARD_RACES: how often; the same by a check and an open after it escapes in every third try. */
static void a_race_of_renames_never_leads_out(void **state)
{
	struct guest *const g = *state;
	const char *const wanted = getenv("WARD_RACES");
	const long tries = wanted ? atol(wanted) : 20000;
	long inside = 0, refused = 0, done = 0;

	assert_int_equal(mkdirat(g->top_fd, "rw/swap", 0755), 0);
	guest_file(g, "rw/swap/secret", "inside");
	assert_int_equal(symlinkat("../outside", g->w.slots[RW].fd, "link"), 0);
	const pid_t child = fork();

	if (!child)
		swap_for_ever(g->w.slots[RW].fd);
	/* On a busy machine the other one may not have had its turn yet. */
	for (; done < tries || (done < 20 * tries && !(inside && refused)); done++) {
		const char *const text = guest_read(g, RW, "swap/secret");

		inside += strcmp(text, "inside") == 0;
		refused += !*text;
	}
	kill(child, SIGKILL);
	waitpid(child, NULL, 0);
	assert_int_equal(done - inside - refused, 0);
	assert_true(inside > 0 && refused > 0); /* else there was no race */
	print_message("%ld opens: %ld inside, %ld refused, 0 outside\n", done, inside, refused);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		GUEST_TEST(a_path_that_leads_out_is_refused),
		GUEST_TEST(a_link_that_stays_inside_is_followed),
		cmocka_unit_test(a_mount_below_is_another_place),
		GUEST_TEST(the_last_name_is_plain_and_the_rest_is_beneath),
		GUEST_TEST(a_race_of_renames_never_leads_out),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
