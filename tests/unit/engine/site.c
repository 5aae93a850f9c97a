/* engine/site, peek and symbols: where a call comes from, seen in ourselves and in hostile files. */
#include "engine/site.h"

#include <elf.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/mem.h"
#include "engine/symbols.h"

__attribute__((noinline)) static int a_function_with_a_name(int n)
{
	return n * 3 + getpid();
}

static struct site_looker *looker_new(void)
{
	struct site_looker *const looker = mem_alloc(sizeof(*looker));

	looker->proc_fd = open("/proc", O_PATH | O_DIRECTORY | O_CLOEXEC);
	return looker;
}

static void looker_free(struct site_looker *looker)
{
	close(looker->proc_fd);
	free(looker);
}

static void an_address_is_a_place_with_a_name(void **state)
{
	struct site_looker *const looker = looker_new();
	OWN_MEM struct record *record = mem_alloc(sizeof(*record));
	static const char name[] = "a_function_with_a_name";
	struct record_site site;
	char exe[4096];

	(void)state;
	assert_true(a_function_with_a_name(1));
	assert_true(peek_link(looker->proc_fd, getpid(), "exe", exe, sizeof(exe)));
	site_look(looker, getpid(), (uint64_t)(uintptr_t)a_function_with_a_name + 1, &site);
	assert_string_equal(site.at.module, exe);
	assert_null(site.by.module);
	record_add_call(record, SYS_getpid, (uint64_t[6]){ 0 }, PHASE_STEADY, false);
	record_add_site(record, SYS_getpid, &site);
	site_name_all(record);
	/* Optimizing across files, clang lets the name of a static function end in a hash. */
	assert_non_null(record->calls[SYS_getpid].sites[0].at.symbol);
	assert_memory_equal(record->calls[SYS_getpid].sites[0].at.symbol, name, strlen(name));
	record_done(record);
	looker_free(looker);
}

static void nothing_is_mapped_at_zero(void **state)
{
	struct site_looker *const looker = looker_new();
	struct record_site site;

	(void)state;
	site_look(looker, getpid(), 0, &site);
	assert_null(site.at.module);
	site_look(looker, -1, 4096, &site);
	assert_null(site.at.module);
	looker_free(looker);
}

static void a_place_is_news_a_few_times(void **state)
{
	struct site_looker *const looker = looker_new();
	unsigned news = 0;

	(void)state;
	for (int i = 0; i < 100; i++)
		news += site_is_news(looker, SYS_read, 0x1000);
	assert_int_equal(news, SITE_LOOKS);
	for (uint64_t at = 0x2000; at < 0x2000 + 1000; at++)
		news += site_is_news(looker, SYS_read, at);
	assert_int_equal(news, SITE_LOOKS_CALL);
	assert_true(site_is_news(looker, SYS_write, 0x1000));
	assert_false(site_is_news(looker, UINT32_MAX, 0x1000));
	looker_free(looker);
}

static int file_of(const void *bytes, size_t n)
{
	const int fd = memfd_create("elf", MFD_CLOEXEC);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, bytes, n), n);
	return fd;
}

static void a_file_that_is_none_names_nothing(void **state)
{
	Elf64_Ehdr head = { .e_ident = { 0x7f, 'E', 'L', 'F', ELFCLASS64, ELFDATA2LSB }, .e_machine = EM_X86_64,
			    .e_phentsize = sizeof(Elf64_Phdr), .e_shentsize = sizeof(Elf64_Shdr) };
	struct symbol_want want = { .offset = 16 };
	int fd = file_of("no ELF at all", 13);

	(void)state;
	symbols_find(fd, &want, 1);
	assert_string_equal(want.name, "");
	close(fd);
	head.e_shnum = head.e_phnum = 8;
	head.e_shoff = UINT64_MAX - 100;
	head.e_phoff = INT64_MAX;
	fd = file_of(&head, sizeof(head));
	symbols_find(fd, &want, 1);
	assert_string_equal(want.name, "");
	close(fd);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_address_is_a_place_with_a_name),
		cmocka_unit_test(nothing_is_mapped_at_zero),
		cmocka_unit_test(a_place_is_news_a_few_times),
		cmocka_unit_test(a_file_that_is_none_names_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
