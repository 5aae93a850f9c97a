/* Any guest: a memory and a row of calls with any arguments. Nothing outside its memory changes, every answer
 * is an error number of WASI, and what it was not given stays unreached. */
#include <fcntl.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/mem.h"
#include "wasi/abi.h"
#include "wasi/wasi.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

#define MEMORY 8192
#define CALLS 64

static void require_that(bool holds)
{
	if (!holds)
		abort();
}

static char path[] = "/tmp/ward-fuzz-wasi-XXXXXX";

static void remove_scratch(void)
{
	char command[64];

	snprintf(command, sizeof(command), "rm -rf %s", path);
	require_that(system(command) == 0);
}

/* A directory for all runs: making one for each would be most of the time. No file in it grows large. */
static int scratch(void)
{
	static int top = -1;
	const struct rlimit small = { 1 << 20, 1 << 20 };

	if (top < 0) {
		require_that(mkdtemp(path) && atexit(remove_scratch) == 0);
		require_that(setrlimit(RLIMIT_FSIZE, &small) == 0 && signal(SIGXFSZ, SIG_IGN) != SIG_ERR);
		top = open(path, O_PATH | O_CLOEXEC);
		require_that(mkdirat(top, "in", 0755) == 0 && mkdirat(top, "secret", 0755) == 0);
	}
	return top;
}

/* One word: a small number, a place in memory, or anything. */
static uint64_t word(const uint8_t **data, size_t *len)
{
	uint64_t n = 0;
	const uint8_t kind = **data;
	const size_t take = *len - 1 < (kind & 7u) + 1 ? *len - 1 : (kind & 7u) + 1;

	memcpy(&n, *data + 1, take);
	*data += 1 + take;
	*len -= 1 + take;
	return kind & 8 ? n & 7 : kind & 16 ? n % MEMORY : n;
}

/* Half a page behind the memory is not the guest's: it must stay as it is. */
static void run_calls(struct wasi *w, const uint8_t *data, size_t len)
{
	for (int i = 0; i < CALLS && len > 1; i++) {
		const struct wasi_call *const call = wasi_call_at(*data % 46);
		uint64_t words[9] = { 0 };

		data++;
		len--;
		for (size_t j = 0; j < strlen(call->words) && len; j++)
			words[j] = word(&data, &len);
		if (strcmp(call->name, "sock_accept") != 0)
			require_that(call->call(w, words) < WASI_ERRNOS);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	static const char *const words[] = { "one", "two", NULL };
	static uint8_t memory[MEMORY + 256];
	const int top = scratch();
	const size_t used = len < MEMORY ? len : MEMORY;
	struct wasi w;
	struct err e = ERR_INIT;
	struct stat st;

	memset(memory, 0, MEMORY);
	memset(memory + MEMORY, 0x5a, 256);
	memcpy(memory, data, used);
	wasi_init(&w, &(struct wasi_setup){ .argv = words, .envp = words, .clock_grain_ns = 1000, .poll_max_ns = 1000 });
	w.memory = (struct wasi_memory){ .base = memory, .len = MEMORY };
	for (int i = 0; i < 3; i++)
		require_that(wasi_add_stream(&w, open("/dev/null", O_RDWR | O_CLOEXEC), RIGHTS_ALL, &e) == i);
	require_that(wasi_add_directory(&w, openat(top, "in", O_RDONLY | O_CLOEXEC), "/in", true, &e) == 3);
	require_that(wasi_add_directory(&w, openat(top, "in", O_RDONLY | O_CLOEXEC), "/ro", false, &e) == 4);
	run_calls(&w, data, len);
	wasi_done(&w);
	for (size_t i = 0; i < 256; i++)
		require_that(memory[MEMORY + i] == 0x5a);
	require_that(fstatat(top, "secret", &st, 0) == 0 && st.st_nlink == 2);
	return 0;
}
