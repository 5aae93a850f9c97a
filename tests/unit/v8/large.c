/* v8/large: a library's code is where it was, byte for byte and with the same rights, and nobody changes another's. */
#include "v8/large.h"

#include <link.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

/* v8::V8::GetVersion(): something of libnode's that can be called. */
extern const char *engine_version(void) __asm__("_ZN2v82V810GetVersionEv");

static int add_up(struct dl_phdr_info *library, size_t size, void *at)
{
	uint64_t *const sum = at;

	(void)size;
	for (size_t i = 0; i < library->dlpi_phnum && strstr(library->dlpi_name, "libnode"); i++) {
		const ElfW(Phdr) *const part = &library->dlpi_phdr[i];

		for (size_t k = 0; part->p_type == PT_LOAD && !(part->p_flags & PF_W) && k < part->p_filesz / 8; k++)
			*sum = (*sum ^ ((const uint64_t *)(library->dlpi_addr + part->p_vaddr))[k]) * UINT64_C(0x9e3779b97f4a7c15);
	}
	return 0;
}

static uint64_t sum_of_code(void)
{
	uint64_t sum = 1;

	dl_iterate_phdr(add_up, &sum);
	return sum;
}

/* The pieces that were moved, and how many of them have other rights than code or constants do. */
static size_t count_moved(size_t *wrong, uintptr_t *code)
{
	FILE *const maps = fopen("/proc/self/maps", "re");
	char line[512], rights[8];
	unsigned long from;
	size_t n = 0;

	*wrong = 0;
	while (maps && fgets(line, sizeof(line), maps))
		if (strstr(line, "memfd:engine") && sscanf(line, "%lx-%*x %7s", &from, rights) == 2) {
			n++;
			*wrong += strcmp(rights, "r-xp") != 0 && strcmp(rights, "r--p") != 0;
			if (rights[2] == 'x')
				*code = from;
		}
	if (maps)
		fclose(maps);
	return n;
}

static _Noreturn void spoil(uintptr_t code)
{
	volatile uint64_t *const at = (uint64_t *)code;

	if (mprotect((void *)code, 4096, PROT_READ | PROT_WRITE) < 0)
		_exit(2);
	*at = ~*at;
	_exit(0);
}

static void code_stays_what_it_was_and_where_it_was(void **state)
{
	const uint64_t before = sum_of_code();
	uintptr_t code = 0;
	size_t wrong;
	int status;

	(void)state;
	assert_true(strlen(engine_version()) > 0);
	large_pages();
	if (!count_moved(&wrong, &code)) {
		print_message("[  SKIPPED ] no pages of 2 MiB for files without names here (Linux 6.1, transparent huge pages)\n");
		skip();
	}
	assert_int_equal(wrong, 0);
	assert_true(code != 0);
	assert_true(sum_of_code() == before);
	assert_true(strlen(engine_version()) > 0);
	const pid_t pid = fork();
	if (pid == 0)
		spoil(code);
	assert_true(waitpid(pid, &status, 0) == pid);
	assert_int_equal(status, 0);
	assert_true(sum_of_code() == before);
}

static void where_files_are_bounded_nothing_is_moved(void **state)
{
	const struct rlimit small = { 4096, 4096 };
	uintptr_t code = 0;
	size_t wrong;
	int status;

	(void)state;
	const pid_t pid = fork();
	if (pid == 0) {
		if (setrlimit(RLIMIT_FSIZE, &small) < 0)
			_exit(2);
		large_pages();
		_exit(count_moved(&wrong, &code) != 0);
	}
	assert_true(waitpid(pid, &status, 0) == pid);
	assert_int_equal(status, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(where_files_are_bounded_nothing_is_moved),
		cmocka_unit_test(code_stays_what_it_was_and_where_it_was),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
