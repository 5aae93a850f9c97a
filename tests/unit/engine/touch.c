/* engine/touch: what a call touches, read from a task that is ours. */
#include "engine/touch.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/mem.h"

static void a_path_becomes_normal(void **state)
{
	static const struct {
		const char *path, *normal;
		bool is_odd;
	} rows[] = {
		{ "/", "/", false },                    { "//", "/", false },
		{ "/a/b", "/a/b", false },              { "/a//b/./c/", "/a/b/c", false },
		{ "/a/b/..", "/a", false },             { "/..", "/", false },
		{ "/../../a", "/a", false },            { "/a/..b", "/a/..b", false },
		{ "/a/...", "/a/...", false },          { "/a/.", "/a", false },
		{ "/proc/123/fd/4", "/proc/[pid]/fd/4", false },
		{ "/proc/1x", "/proc/1x", false },      { "/proc/self/maps", "/proc/self/maps", false },
		{ "/proc/99999", "/proc/[pid]", false },
		{ "/a\x1b[31m", "/a?[31m", true },      { "/a\nb", "/a?b", true },
		{ "/\xc3\xa9", "/\xc3\xa9", false },    { "/\xc3(", "/?(", true },
		{ "/\xc2\x9b" "1m", "/??1m", true },    { "/\xff\xfe", "/??", true },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		char path[TOUCH_PATH];

		strcpy(path, rows[i].path);
		assert_int_equal(touch_normal(path), rows[i].is_odd);
		assert_string_equal(path, rows[i].normal);
	}
}

static struct touch *look(uint32_t nr, uint64_t a, uint64_t b, uint64_t c)
{
	static struct touch touch;
	const int proc_fd = open("/proc", O_PATH | O_DIRECTORY | O_CLOEXEC);
	const struct touch_caller caller = { .proc_fd = proc_fd, .tid = getpid(), .nr = nr, .phase = PHASE_STEADY,
					     .args = { a, b, c } };

	touch_look(&caller, &touch);
	close(proc_fd);
	return &touch;
}

#define AT(p) ((uint64_t)(uintptr_t)(p))

static void an_open_says_what_it_is_for(void **state)
{
	static const struct {
		int flags;
		uint8_t access;
	} rows[] = {
		{ O_RDONLY, ACCESS_READ },
		{ O_WRONLY | O_TRUNC, ACCESS_WRITE },
		{ O_RDWR, ACCESS_READ | ACCESS_WRITE },
		{ O_WRONLY | O_CREAT, ACCESS_WRITE | ACCESS_CREATE },
		{ O_RDONLY | O_DIRECTORY, ACCESS_LIST },
		{ O_PATH | O_DIRECTORY, ACCESS_STAT },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct touch *const touch = look(SYS_openat, (uint32_t)AT_FDCWD, AT("/usr/bin/../lib"), (uint64_t)rows[i].flags);

		assert_int_equal(touch->n_files, 1);
		assert_string_equal(touch->files[0].path, "/usr/lib");
		assert_int_equal(touch->files[0].access, rows[i].access);
		assert_true(touch->files[0].exists && touch->files[0].is_dir);
	}
}

static void a_relative_path_starts_where_it_says(void **state)
{
	const int fd = open("/usr", O_PATH | O_DIRECTORY | O_CLOEXEC);
	struct touch *touch;

	(void)state;
	touch = look(SYS_newfstatat, (uint64_t)fd, AT("lib/nothing-here"), 0);
	assert_int_equal(touch->n_files, 1);
	assert_string_equal(touch->files[0].path, "/usr/lib/nothing-here");
	assert_false(touch->files[0].exists);
	close(fd);
	assert_int_equal(chdir("/usr"), 0);
	assert_string_equal(look(SYS_chdir, AT("bin"), 0, 0)->files[0].path, "/usr/bin");
	assert_int_equal(look(SYS_newfstatat, 0, AT(""), 0)->n_files, 0);
}

static void a_rename_touches_two(void **state)
{
	struct touch *const touch = look(SYS_rename, AT("/a"), AT("/b"), 0);

	(void)state;
	assert_int_equal(touch->n_files, 2);
	assert_int_equal(touch->files[0].access, ACCESS_UNLINK);
	assert_string_equal(touch->files[1].path, "/b");
}

static void what_cannot_be_read_is_said(void **state)
{
	char *const pages = mmap(NULL, 8192, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	struct touch *touch;

	(void)state;
	assert_true(munmap(pages + 4096, 4096) == 0);
	memset(pages, 'x', 4096);
	touch = look(SYS_chdir, AT(pages), 0, 0);       /* no end before the hole */
	assert_true(touch->is_blind && !touch->n_files);
	strcpy(pages + 4096 - 5, "/usr");               /* ends right before it */
	touch = look(SYS_chdir, AT(pages + 4096 - 5), 0, 0);
	assert_true(!touch->is_blind && touch->n_files == 1);
	touch = look(SYS_connect, 3, 8, 16);
	assert_true(touch->is_blind && !touch->has_host);
	munmap(pages, 4096);
}

static void addresses_have_words(void **state)
{
	struct sockaddr_in in = { .sin_family = AF_INET, .sin_port = htons(80) };
	struct sockaddr_in6 in6 = { .sin6_family = AF_INET6, .sin6_port = htons(443), .sin6_addr = IN6ADDR_LOOPBACK_INIT };
	struct sockaddr_un un = { .sun_family = AF_UNIX, .sun_path = "/run/x/../y" };
	struct sockaddr_un abstract = { .sun_family = AF_UNIX, .sun_path = "\0na\nme" };
	struct sockaddr netlink = { .sa_family = AF_NETLINK };
	struct touch *touch;

	(void)state;
	inet_pton(AF_INET, "192.0.2.7", &in.sin_addr);
	touch = look(SYS_connect, 3, AT(&in), sizeof(in));
	assert_true(touch->has_host && touch->host.connects && touch->host.port == 80);
	assert_string_equal(touch->host.address, "192.0.2.7");
	touch = look(SYS_bind, 3, AT(&in6), sizeof(in6));
	assert_true(touch->host.binds && touch->host.port == 443 && touch->host.family == FAMILY_INET6);
	assert_string_equal(touch->host.address, "::1");
	assert_string_equal(look(SYS_connect, 3, AT(&un), sizeof(un))->host.address, "/run/y");
	assert_string_equal(look(SYS_bind, 3, AT(&abstract), offsetof(struct sockaddr_un, sun_path) + 6)->host.address,
			    "@na?me");
	touch = look(SYS_bind, 3, AT(&netlink), sizeof(netlink));
	assert_int_equal(touch->host.family, FAMILY_OTHER);
	assert_false(look(SYS_connect, 3, 0, 0)->has_host);
	assert_false(look(SYS_connect, 3, AT(&in), 1)->has_host);
}

static void only_calls_with_names_are_looked_at(void **state)
{
	(void)state;
	assert_true(touch_has(SYS_openat) && touch_has(SYS_sendmsg));
	assert_false(touch_has(SYS_read) || touch_has(UINT32_MAX));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_path_becomes_normal),
		cmocka_unit_test(an_open_says_what_it_is_for),
		cmocka_unit_test(a_relative_path_starts_where_it_says),
		cmocka_unit_test(a_rename_touches_two),
		cmocka_unit_test(what_cannot_be_read_is_said),
		cmocka_unit_test(addresses_have_words),
		cmocka_unit_test(only_calls_with_names_are_looked_at),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
