/* WebAssembly modules as guests of a zygote, in its box, for figures: bench/wasm runs it.
 *
 *   modules cold N FILE       fork to end of a module that is sent to each guest, microseconds, one after the other
 *   modules parked N FILE     the same with guests that wait
 *   modules loaded N FILE     the same with a module that the zygote has compiled: a new instance in a new process
 *   modules ready N FILE      ... and with guests that wait */
#include <inttypes.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/loop.h"
#include "cmd/host.h"
#include "cmd/policy_find.h"
#include "cmd/zygote.h"
#include "isolate/channel.h"

struct bench {
	struct isolates *isolates;
	struct isolate_limits limits;
	size_t ended;
	const char *module;
	char *bytes;
	size_t len;
	int streams[3];
	bool is_loaded;
};

static struct bench bench = { .limits = { .memory_bytes = 64u << 20, .cpu_us = 1000000, .wall_us = 60000000 } };

static void check(int rc, const struct err *e)
{
	if (rc >= 0)
		return;
	fprintf(stderr, "modules: %s\n", e->text);
	exit(1);
}

static void note_end(void *at, const struct isolate_end *end)
{
	(void)at;
	bench.ended++;
	if (end->verdict == VERDICT_OK || end->verdict == VERDICT_NONZERO)
		return;
	fprintf(stderr, "modules: a guest ended with %s\n", verdict_name(end->verdict));
	exit(1);
}

static void start(uint32_t parked)
{
	static const char text[] = "version: 1\nname: modules\nboundary: wasm\nfallback: [rlimits]\nlimits: {pids: 64}\n"
				   "syscalls: {allow: [\"@startup\"]}\n";
	struct policy policy = POLICY_NONE;
	struct err e = ERR_INIT;
	const char *socket;
	struct host host;

	check(policy_read("modules", text, sizeof(text) - 1, &policy, &e), &e);
	check(host_look(NULL, &host, &socket, &e), &e);
	const struct zygote_launch launch = {
		.policy = &policy, .host = &host, .socket = socket, .parked = parked, .park_limits = bench.limits,
		.wasm = true, .module = bench.is_loaded ? bench.module : NULL, .ended = note_end,
	};
	check(zygote_launch(&launch, &bench.isolates, &e), &e);
	policy_done(&policy);
}

static void send_module(int fd)
{
	struct guest_writer out = { .at = 0 };
	const uint32_t run = GUEST_RUN_ONCE;
	struct err e = ERR_INIT;

	check(guest_send_streams(fd, bench.streams, &e), &e);
	if (!bench.is_loaded)
		check(guest_put(&out, GUEST_WASM, bench.bytes, bench.len, &e), &e);
	check(guest_put(&out, GUEST_ARG, "module", 6, &e), &e);
	check(guest_put(&out, GUEST_RUN, &run, sizeof(run), &e), &e);
	while (guest_flush(&out, fd, &e) == 0)
		poll(&(struct pollfd){ .fd = fd, .events = POLLOUT }, 1, -1);
	guest_writer_done(&out);
}

/* Until it says its code: the module ran in between. */
static uint64_t one(void)
{
	const uint64_t begun = loop_now_us();
	struct guest_reader reader = { .at = 0 };
	struct guest_frame frame = { .kind = GUEST_KINDS };
	struct guest_why why;
	struct err e = ERR_INIT;
	uint64_t id, took;
	int fd;

	check(isolates_fork(bench.isolates, &bench.limits, &id, &fd, &e), &e);
	send_module(fd);
	while (frame.kind != GUEST_EXIT) {
		poll(&(struct pollfd){ .fd = fd, .events = POLLIN }, 1, -1);
		if (guest_read(&reader, fd, &e) <= 0)
			break;
		while (guest_next(&reader, true, &frame, &e) > 0)
			if (frame.kind == GUEST_ERROR && guest_read_why(&frame, &why, &e) == 0)
				check(err_set(&e, ERR_USAGE, "%s", why.text), &e);
	}
	took = loop_now_us() - begun;
	guest_reader_done(&reader);
	close(fd);
	return took;
}

static int compare(const void *a, const void *b)
{
	const uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return (x > y) - (x < y);
}

static void measure(const char *what, size_t n, uint32_t parked)
{
	uint64_t *const us = mem_alloc(n * sizeof(*us));
	struct err e = ERR_INIT;

	start(parked);
	for (size_t i = 0; i < n; i++) {
		usleep(parked ? 10000 : 0); /* a guest that is being born is not parked yet */
		us[i] = one();
		while (bench.ended <= i) {
			poll(&(struct pollfd){ .fd = isolates_fd(bench.isolates), .events = POLLIN }, 1, -1);
			check(isolates_turn(bench.isolates, &e), &e);
		}
	}
	qsort(us, n, sizeof(*us), compare);
	printf("%s us: min %" PRIu64 " p50 %" PRIu64 " p90 %" PRIu64 " of %zu\n", what, us[0], us[n / 2], us[n * 9 / 10], n);
	isolates_stop(bench.isolates);
}

static void read_module(const char *path)
{
	FILE *const file = fopen(path, "re");
	struct err e = ERR_INIT;

	if (!file)
		check(err_sys(&e, "%s", path), &e);
	check(fd_read_file(fileno(file), path, 64u << 20, &bench.bytes, &bench.len, &e), &e);
	fclose(file);
	bench.module = realpath(path, NULL);
}

int main(int argc, char **argv)
{
	static const struct {
		const char *word;
		bool is_loaded;
		uint32_t parked;
	} modes[] = { { "cold", false, 0 }, { "parked", false, 4 }, { "loaded", true, 0 }, { "ready", true, 4 } };
	const size_t n = argc == 4 ? strtoul(argv[2], NULL, 10) : 0;

	for (size_t i = 0; n && i < ARRAY_SIZE(modes); i++) {
		if (strcmp(argv[1], modes[i].word) != 0)
			continue;
		read_module(argv[3]);
		bench.is_loaded = modes[i].is_loaded;
		memcpy(bench.streams, (int[]){ STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO }, sizeof(bench.streams));
		measure(modes[i].word, n, modes[i].parked);
		return 0;
	}
	fprintf(stderr, "usage: modules cold|parked|loaded|ready N FILE\n");
	return 2;
}
