/* Guests of one zygote, for tests and figures. Every guest is confined as `ward serve` would have it.
 *
 *   isolates run [-c CPU_US] [-w WALL_US] [-m BYTES] FILE...   all at once; a line for each when it ends
 *   isolates cold|parked N           fork to first result, microseconds, one after the other
 *   isolates kill N                  how long after its limit of 20 ms a loop is gone
 *   isolates idle N                  N guests alive that have run, and what the system's memory fell by for each
 *   isolates hits N                  a request to a fork that waits, to its answer, over the channel between them: two switches
 *   isolates requests N              a line to the `ward run --requests` beside this program, to the line it answers */
#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/loop.h"
#include "cmd/host.h"
#include "cmd/policy_find.h"
#include "cmd/zygote.h"
#include "engine/serving.h"
#include "isolate/channel.h"

#define GUESTS 8192

struct one {
	const char *name;
	uint64_t id;
	int fd;
	struct guest_reader reader;
	struct str said;
	bool over;
};

struct bench {
	struct isolates *isolates;
	struct isolate_limits limits;
	bool serves;
	struct isolate_end last;
	size_t ended;
	struct one *ones;
	size_t n;
};

static struct bench bench;

static void check(int rc, const struct err *e)
{
	if (rc >= 0)
		return;
	fprintf(stderr, "isolates: %s\n", e->text);
	exit(1);
}

static void note_end(void *at, const struct isolate_end *end)
{
	(void)at;
	bench.last = *end;
	bench.ended++;
	for (size_t i = 0; i < bench.n; i++)
		if (bench.ones[i].id == end->id) {
			printf("%s %s %" PRIu64 " %" PRIu64 " %s\n", bench.ones[i].name, verdict_name(end->verdict), end->cpu_us,
			       end->wall_us, str_text(&bench.ones[i].said));
			fflush(stdout);
		}
}

static void start(uint32_t parked)
{
	static const char text[] = "version: 1\nname: isolates\nboundary: js\nfallback: [rlimits]\nlimits: {pids: 6000}\n"
				   "syscalls: {allow: [\"@startup\"]}\n";
	struct policy policy = POLICY_NONE;
	struct err e = ERR_INIT;
	const char *socket;
	struct host host;

	check(policy_read("isolates", text, sizeof(text) - 1, &policy, &e), &e);
	check(host_look(NULL, &host, &socket, &e), &e);
	const struct zygote_launch launch = {
		.policy = &policy, .host = &host, .socket = socket, .serves = bench.serves, .parked = parked, .park_limits = bench.limits, .ended = note_end,
	};
	check(zygote_launch(&launch, &bench.isolates, &e), &e);
	policy_done(&policy);
}

static void send_source(int fd, const char *name, const char *source, size_t len, bool has_input)
{
	const size_t name_len = strlen(name);
	const bool is_module = name_len > 4 && strcmp(name + name_len - 4, ".mjs") == 0;
	struct guest_writer out = { .at = 0 };
	const uint32_t run = GUEST_RUN_ONCE;
	struct err e = ERR_INIT;

	check(guest_put_named(&out, is_module ? GUEST_MODULE : GUEST_SCRIPT, name, source, len, &e), &e);
	if (has_input)
		check(guest_put(&out, GUEST_INPUT, NULL, 0, &e), &e);
	check(guest_put(&out, GUEST_RUN, &run, sizeof(run), &e), &e);
	while (guest_flush(&out, fd, &e) == 0)
		poll(&(struct pollfd){ .fd = fd, .events = POLLOUT }, 1, -1);
	guest_writer_done(&out);
}

/* Waits for a frame of that kind, or the end. */
static void wait_for(int fd, enum guest_kind kind)
{
	struct guest_reader reader = { .at = 0 };
	struct guest_frame frame = { .kind = GUEST_KINDS };
	struct err e;

	while (frame.kind != kind) {
		poll(&(struct pollfd){ .fd = fd, .events = POLLIN }, 1, -1);
		if (guest_read(&reader, fd, &e) <= 0)
			break;
		while (guest_next(&reader, true, &frame, &e) > 0 && frame.kind != kind)
			;
	}
	guest_reader_done(&reader);
}

static void wait_ended(size_t n)
{
	struct err e = ERR_INIT;

	while (bench.ended < n) {
		poll(&(struct pollfd){ .fd = isolates_fd(bench.isolates), .events = POLLIN }, 1, -1);
		check(isolates_turn(bench.isolates, &e), &e);
	}
}

static int compare(const void *a, const void *b)
{
	const uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return (x > y) - (x < y);
}

static void show(const char *what, uint64_t *us, size_t n)
{
	qsort(us, n, sizeof(*us), compare);
	printf("%s us: min %" PRIu64 " p50 %" PRIu64 " p90 %" PRIu64 " p99 %" PRIu64 " max %" PRIu64 " of %zu\n", what, us[0],
	       us[n / 2], us[n * 9 / 10], us[n * 99 / 100], us[n - 1], n);
}

static uint64_t one_result(const char *source)
{
	const uint64_t begun = loop_now_us();
	struct err e = ERR_INIT;
	uint64_t id, took;
	int fd;

	check(isolates_fork(bench.isolates, &bench.limits, &id, &fd, &e), &e);
	send_source(fd, "/main.js", source, strlen(source), true);
	wait_for(fd, GUEST_RESULT);
	took = loop_now_us() - begun;
	close(fd);
	return took;
}

static void measure(const char *what, size_t n, uint32_t parked)
{
	OWN_MEM uint64_t *us = mem_alloc(n * sizeof(*us));
	OWN_MEM uint64_t *cpu = mem_alloc(n * sizeof(*cpu));

	start(parked);
	for (size_t i = 0; i < n; i++) {
		usleep(parked ? 10000 : 0); /* a guest that is being born is not parked yet */
		us[i] = one_result("ward.output(1 + 1)");
		wait_ended(i + 1);
		cpu[i] = bench.last.cpu_us;
	}
	show(what, us, n);
	show("... processor time of the guest", cpu, n);
}

static void measure_kill(size_t n)
{
	OWN_MEM uint64_t *us = mem_alloc(n * sizeof(*us));

	bench.limits.cpu_us = 20000;
	start(0);
	for (size_t i = 0; i < n; i++) {
		(void)one_result("for (;;) {}");
		wait_ended(i + 1);
		if (bench.last.verdict != VERDICT_LIMIT_CPU)
			printf("a loop ended as %s after %" PRIu64 " us\n", verdict_name(bench.last.verdict), bench.last.cpu_us);
		us[i] = bench.last.cpu_us > 20000 ? bench.last.cpu_us - 20000 : 0;
	}
	show("processor time past the limit", us, n);
}

/* What the system says of its memory: of all that run on it, so that many guests and a quiet machine are wanted. */
static const char *const parts[] = { "MemAvailable", "AnonPages", "PageTables", "KernelStack", "Slab" };

static void look(double kib[ARRAY_SIZE(parts)])
{
	char line[128], name[64];
	double value;
	FILE *const file = fopen("/proc/meminfo", "re");

	while (file && fgets(line, sizeof(line), file))
		for (size_t i = 0; sscanf(line, "%63[^:]: %lf", name, &value) == 2 && i < ARRAY_SIZE(parts); i++)
			if (strcmp(name, parts[i]) == 0)
				kib[i] = value;
	if (file)
		fclose(file);
}

/* Each has run to its result and now waits for more frames, as a guest does that serves. */
static void measure_idle(size_t n)
{
	static int fds[GUESTS];
	struct err e = ERR_INIT;
	double before[ARRAY_SIZE(parts)] = { 0 }, after[ARRAY_SIZE(parts)] = { 0 };
	uint64_t begun, id;

	if (n > GUESTS)
		n = GUESTS;
	start(0);
	(void)one_result("ward.output(1)");
	wait_ended(1);
	sleep(1);
	look(before);
	begun = loop_now_us();
	for (size_t i = 0; i < n; i++) {
		check(isolates_fork(bench.isolates, &bench.limits, &id, &fds[i], &e), &e);
		send_source(fds[i], "/main.js", "console.log(1); ward.input", 26, false);
		wait_for(fds[i], GUEST_STDOUT);
		check(isolates_turn(bench.isolates, &e), &e);
	}
	const double took = (double)(loop_now_us() - begun) / 1e6;
	sleep(1);
	look(after);
	printf("alive %zu of %zu, started in %.1f s, KiB for each:", isolates_alive(bench.isolates), n, took);
	for (size_t i = 0; i < ARRAY_SIZE(parts); i++)
		printf(" %s %.0f", parts[i], fabs(after[i] - before[i]) / (double)n);
	printf("\n");
}

static const char handler[] = "let seen = 0\nexport default (r) => { seen++; return {seen, square: r.n * r.n} }\n";

static struct serving *start_serving(void)
{
	struct guest_writer out = { .at = 0 };
	const uint32_t run = GUEST_RUN_SERVE;
	struct err e = ERR_INIT;
	uint64_t id;
	int fd;

	bench.serves = true;
	start(0);
	check(isolates_fork(bench.isolates, &bench.limits, &id, &fd, &e), &e);
	check(guest_put_named(&out, GUEST_MODULE, "/main.mjs", handler, sizeof(handler) - 1, &e), &e);
	check(guest_put(&out, GUEST_RUN, &run, sizeof(run), &e), &e);
	check(guest_flush(&out, fd, &e), &e);
	guest_writer_done(&out);
	wait_for(fd, GUEST_READY);
	return serving_new(bench.isolates, id, fd, &bench.limits, 8);
}

/* Until one waits. */
static void take_fork(struct serving *serving, struct serving_fork *out)
{
	struct pollfd polls[SERVING_MAX + 2];
	struct err e = ERR_INIT;

	while (serving_turn(serving)) {
		const size_t n = serving_polls(serving, polls);

		if (serving_take(serving, out))
			return;
		polls[n] = (struct pollfd){ .fd = isolates_fd(bench.isolates), .events = POLLIN };
		poll(polls, (nfds_t)n + 1, -1);
		check(isolates_turn(bench.isolates, &e), &e);
	}
	fprintf(stderr, "isolates: the guest that forks has ended\n");
	exit(1);
}

static uint64_t one_hit(const struct serving_fork *fork)
{
	static const char request[] = "{\"n\":12}", answer[] = "{\"seen\":1,\"square\":144}";
	struct guest_reader reader = { .at = 0 };
	struct guest_frame frame = { .kind = GUEST_KINDS };
	const uint64_t begun = loop_now_us();
	struct err e = ERR_INIT;
	uint64_t took;

	check(serving_ask(fork, request, sizeof(request) - 1, &e), &e);
	while (guest_next(&reader, true, &frame, &e) == 0) {
		poll(&(struct pollfd){ .fd = fork->fd, .events = POLLIN }, 1, -1);
		if (guest_read(&reader, fork->fd, &e) <= 0)
			break;
	}
	took = loop_now_us() - begun;
	if (frame.kind != GUEST_RESULT || frame.len != sizeof(answer) - 1 || memcmp(frame.bytes, answer, frame.len) != 0) {
		fprintf(stderr, "isolates: it was not answered\n");
		exit(1);
	}
	guest_reader_done(&reader);
	return took;
}

static void end_fork(const struct serving_fork *fork)
{
	struct err e = ERR_INIT;

	isolates_kill(bench.isolates, fork->id);
	close(fork->fd);
	check(isolates_turn(bench.isolates, &e), &e);
}

/* So many are taken before the first is asked that no other is made meanwhile: a hit and not the making of the next. */
static void measure_hits(const char *what, struct serving *serving, size_t n, size_t together)
{
	OWN_MEM uint64_t *us = mem_alloc((n + together) * sizeof(*us));
	struct serving_fork forks[SERVING_MAX];

	for (size_t i = 0; i < n;) {
		for (size_t k = 0; k < together; k++)
			take_fork(serving, &forks[k]);
		usleep(10000);
		for (size_t k = 0; k < together; k++)
			us[i++] = one_hit(&forks[k]);
		for (size_t k = 0; k < together; k++)
			end_fork(&forks[k]);
	}
	show(what, us, n);
}

static void measure_serving(size_t n)
{
	struct serving *const serving = start_serving();

	measure_hits("hit to answer, 10 ms apart", serving, n, 1);
	measure_hits("... eight that wait, one behind the other", serving, n, 8);
	serving_free(serving);
}

static pid_t run_ward(const char *ward, char *script, int ends[2])
{
	int in[2], out[2];
	pid_t pid;

	if (pipe(in) < 0 || pipe(out) < 0 || (pid = fork()) < 0) {
		perror("isolates");
		exit(1);
	}
	if (pid == 0) {
		dup2(in[0], 0);
		dup2(out[1], 1);
		close_range(3, ~0u, 0);
		execl(ward, ward, "run", "-b", "js", "--requests", script, NULL);
		_exit(127);
	}
	close(in[0]);
	close(out[1]);
	ends[0] = out[0];
	ends[1] = in[1];
	return pid;
}

static uint64_t one_request(const int ends[2])
{
	static const char request[] = "{\"n\":12}\n", answer[] = "{\"result\":{\"seen\":1,\"square\":144}}\n";
	const uint64_t begun = loop_now_us();
	char got[sizeof(answer)] = "";

	for (size_t have = 0; have < sizeof(answer) - 1;) {
		const ssize_t n = have || write(ends[1], request, sizeof(request) - 1) > 0 ? read(ends[0], got + have, sizeof(answer) - 1 - have) : -1;

		if (n <= 0)
			break;
		have += (size_t)n;
	}
	if (strcmp(got, answer) != 0) {
		fprintf(stderr, "isolates: it was answered %s\n", got);
		exit(1);
	}
	return loop_now_us() - begun;
}

static void measure_requests(const char *self, size_t n)
{
	OWN_MEM uint64_t *us = mem_alloc(n * sizeof(*us));
	char script[] = "/tmp/isolates-XXXXXX.mjs", ward[4096];
	const char *const slash = strrchr(self, '/');
	const int fd = mkstemps(script, 4);
	int ends[2], status;
	pid_t pid;

	snprintf(ward, sizeof(ward), "%.*sward", slash ? (int)(slash + 1 - self) : 0, self);
	if (fd < 0 || fchmod(fd, 0644) < 0 || write(fd, handler, sizeof(handler) - 1) < 0)
		perror("isolates");
	close(fd);
	pid = run_ward(ward, script, ends);
	(void)one_request(ends);
	for (int paced = 1; paced >= 0; paced--) {
		for (size_t i = 0; i < n; i++) {
			usleep(paced ? 10000 : 0);
			us[i] = one_request(ends);
		}
		show(paced ? "request to answer, 10 ms apart" : "... one behind the other", us, n);
	}
	close(ends[1]);
	waitpid(pid, &status, 0);
	unlink(script);
}

static void hear(struct one *one)
{
	struct guest_frame frame;
	struct guest_why why;
	struct err e;

	if (guest_read(&one->reader, one->fd, &e) <= 0) {
		one->over = true;
		return;
	}
	while (guest_next(&one->reader, true, &frame, &e) > 0)
		if (frame.kind == GUEST_ERROR && guest_read_why(&frame, &why, &e) == 0)
			str_add(&one->said, why.text);
		else if (frame.len && one->said.len < 4096)
			str_add_bytes(&one->said, frame.bytes, frame.len - (frame.bytes[frame.len - 1] == '\n'));
}

static void run_all(char **files, size_t n)
{
	OWN_MEM struct pollfd *fds = mem_alloc((n + 1) * sizeof(*fds));
	struct err e = ERR_INIT;

	bench.ones = mem_alloc(n * sizeof(*bench.ones));
	bench.n = n;
	for (size_t i = 0; i < n; i++) {
		OWN_MEM char *text = NULL;
		size_t len;
		FILE *const file = fopen(files[i], "re");

		bench.ones[i] = (struct one){ .name = files[i] };
		if (!file || fd_read_file(fileno(file), files[i], 16u << 20, &text, &len, &e) < 0) {
			fprintf(stderr, "isolates: %s cannot be read\n", files[i]);
			exit(1);
		}
		fclose(file);
		check(isolates_fork(bench.isolates, &bench.limits, &bench.ones[i].id, &bench.ones[i].fd, &e), &e);
		send_source(bench.ones[i].fd, files[i], text, len, true);
	}
	while (bench.ended < n) {
		for (size_t i = 0; i < n; i++)
			fds[i] = (struct pollfd){ .fd = bench.ones[i].over ? -1 : bench.ones[i].fd, .events = POLLIN };
		fds[n] = (struct pollfd){ .fd = isolates_fd(bench.isolates), .events = POLLIN };
		poll(fds, (nfds_t)n + 1, -1);
		for (size_t i = 0; i < n; i++)
			if (fds[i].revents)
				hear(&bench.ones[i]);
		if (fds[n].revents)
			check(isolates_turn(bench.isolates, &e), &e);
	}
}

int main(int argc, char **argv)
{
	const struct rlimit files = { 2 * GUESTS, 2 * GUESTS };
	int at = 2;

	bench.limits = (struct isolate_limits){ .memory_bytes = 64u << 20, .cpu_us = 1000000, .wall_us = 60000000 };
	(void)!setrlimit(RLIMIT_NOFILE, &files);
	for (; at + 1 < argc && argv[at][0] == '-'; at += 2) {
		uint64_t *const limit = argv[at][1] == 'c' ? &bench.limits.cpu_us : argv[at][1] == 'w' ? &bench.limits.wall_us :
			&bench.limits.memory_bytes;

		*limit = strtoull(argv[at + 1], NULL, 10);
	}
	if (argc <= at) {
		fprintf(stderr, "usage: isolates run|cold|parked|kill|idle|hits|requests [-c CPU_US] [-w WALL_US] [-m BYTES] N|FILE...\n");
		return 2;
	}
	const size_t n = strtoul(argv[at], NULL, 10);
	if (strcmp(argv[1], "cold") == 0)
		measure("cold to first result", n, 0);
	else if (strcmp(argv[1], "parked") == 0)
		measure("parked to first result", n, 4);
	else if (strcmp(argv[1], "kill") == 0)
		measure_kill(n);
	else if (strcmp(argv[1], "idle") == 0)
		measure_idle(n);
	else if (strcmp(argv[1], "hits") == 0)
		measure_serving(n);
	else if (strcmp(argv[1], "requests") == 0)
		measure_requests(argv[0], n);
	else {
		start(0);
		run_all(argv + at, (size_t)(argc - at));
	}
	isolates_stop(bench.isolates);
	return 0;
}
