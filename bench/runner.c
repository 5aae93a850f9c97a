/* Starts commands, waits for them and says how long each took. It judges nothing: statistics and
 * targets are the caller's.
 *
 *   runner launch [-n BATCH] [-r ROUNDS] [-w WARM] [-j LAUNCHERS] [-i INTERVAL_MS] [-s SETTLE_MS]
 *                 [-m CALLER_MB] [-F] [-t LIMIT_S] [-T TOTAL_S] -d SCRATCH @@NAME ARGV... @@NAME
 * ARGV...
 *
 * Every round goes once through all commands, a batch of each, so that noise meets them alike. In
 * an argument @ID@ becomes a name unique to the launch, @SLOT@ the launcher's number. A command may
 * begin with words "FD<FILE": that file is open as FD in it. */
#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { MAX_COMMANDS = 24, MAX_WORDS = 8192, MAX_FDS = 4 };

struct command {
	const char *name;
	char **argv; /* borrowed from main's argv */
	int fds[MAX_FDS];
	const char *files[MAX_FDS];
	int n_fds;
};

struct options {
	long batch, rounds, warm, launchers, interval_ms, settle_ms, caller_mb, limit_s, total_s;
	bool use_fork;
	const char *scratch;
	struct command commands[MAX_COMMANDS];
	size_t n_commands;
};

/* Shared between the launchers. A row is one command in one round. */
struct row {
	uint64_t wall_ns;
	uint64_t cpu_us;
	long maxrss_kb;
	int fails, status; /* of the first launch that failed */
	bool done;
};

struct shared {
	int ready, go;
	struct row *rows;     /* [round][command] */
	uint64_t *samples_ns; /* [round][command][launcher][batch] */
};

extern char **environ;

static uint64_t now_ns(void)
{
	struct timespec t;
	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

static void sleep_ms(long ms)
{
	struct timespec left = {ms / 1000, ms % 1000 * 1000000};
	while (nanosleep(&left, &left) < 0 && errno == EINTR)
		;
}

static void die(const char *what)
{
	fprintf(stderr, "runner: %s: %s\n", what, strerror(errno));
	exit(2);
}

/* Shared, zeroed, and no part of a child's copy-on-write. */
static void *map_shared(size_t bytes)
{
	void *p = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (p == MAP_FAILED)
		die("mmap");
	return p;
}

/* ---- one launch ---- */

/* Word with the two names replaced; points into *store when something was. */
static char *word_fill(char *word, const char *id, const char *slot, char **store, const char *end)
{
	char *out = *store, *to = out;

	if (!strchr(word, '@'))
		return word;
	for (const char *from = word; *from;) {
		const bool is_id = !strncmp(from, "@ID@", 4), is_slot = !strncmp(from, "@SLOT@", 6);
		const char *with = is_id ? id : slot;
		if (to + 64 > end)
			die("arguments too long");
		if (is_id || is_slot) {
			to = stpcpy(to, with);
			from += is_id ? 4 : 6;
		} else {
			*to++ = *from++;
		}
	}
	*to++ = 0;
	*store = to;
	return out;
}

static void argv_fill(char **argv, char **out, const char *id, const char *slot)
{
	static char store[1 << 16];
	char *next = store;
	size_t n = 0;

	for (; argv[n]; n++) {
		if (n == MAX_WORDS - 1)
			die("too many words");
		out[n] = word_fill(argv[n], id, slot, &next, store + sizeof(store));
	}
	out[n] = NULL;
}

static void open_as(const char *scratch, const char *name, int fd, int flags)
{
	char path[512];
	snprintf(path, sizeof(path), "%s/%s", scratch, name);
	const int got = open(path, flags, 0600);
	if (got < 0 || dup2(got, fd) < 0)
		die(path);
	if (got != fd)
		close(got);
}

/* What fork() costs a big caller: the page tables are copied. */
static pid_t launch_fork(const struct command *c, char **argv)
{
	const pid_t pid = fork();
	if (pid)
		return pid;
	for (int i = 0; i < c->n_fds; i++)
		if (dup2(open(c->files[i], O_RDONLY), c->fds[i]) < 0)
			_exit(125);
	execvp(argv[0], argv);
	_exit(127);
}

static pid_t launch_spawn(const struct command *c, char **argv)
{
	posix_spawn_file_actions_t actions;
	pid_t pid = -1;

	posix_spawn_file_actions_init(&actions);
	for (int i = 0; i < c->n_fds; i++)
		posix_spawn_file_actions_addopen(&actions, c->fds[i], c->files[i], O_RDONLY, 0);
	errno = posix_spawnp(&pid, argv[0], &actions, NULL, argv, environ);
	const int failed = errno;
	posix_spawn_file_actions_destroy(&actions);
	return failed ? -1 : pid;
}

static void on_alarm(int sig)
{
	(void)sig; /* wait4 returns EINTR, that is all it is for */
}

/* The wait status, or -1 when nothing was started. */
static int launch(const struct options *o, const struct command *c, char **argv,
		  struct rusage *usage)
{
	const pid_t pid = o->use_fork ? launch_fork(c, argv) : launch_spawn(c, argv);
	int status = -1;

	if (pid < 0)
		return -1;
	alarm((unsigned)o->limit_s);
	while (wait4(pid, &status, 0, usage) < 0) {
		if (errno != EINTR)
			die("wait4");
		kill(pid, SIGKILL);
	}
	alarm(0);
	return status;
}

/* ---- a batch: every launcher starts one command BATCH times ---- */

static uint64_t cpu_us(const struct rusage *u)
{
	return (uint64_t)(u->ru_utime.tv_sec + u->ru_stime.tv_sec) * 1000000u +
	       (uint64_t)(u->ru_utime.tv_usec + u->ru_stime.tv_usec);
}

static void row_add(struct row *row, int status, const struct rusage *u)
{
	__atomic_fetch_add(&row->cpu_us, cpu_us(u), __ATOMIC_RELAXED);
	if (u->ru_maxrss > row->maxrss_kb) /* launchers race here; the biggest of one is enough */
		row->maxrss_kb = u->ru_maxrss;
	if (status && !__atomic_fetch_add(&row->fails, 1, __ATOMIC_RELAXED))
		row->status = status;
}

static void launcher(const struct options *o, const struct command *c, long slot, struct shared *sh,
		     struct row *row, uint64_t *samples)
{
	static char *argv[MAX_WORDS];
	char id[64], number[24];
	struct rusage usage = {0};

	snprintf(number, sizeof(number), "%ld", slot);
	for (long i = -o->warm; i < o->batch; i++) {
		if (i == 0 || (o->warm == 0 && i == -o->warm)) {
			__atomic_fetch_add(&sh->ready, 1, __ATOMIC_SEQ_CST);
			while (!__atomic_load_n(&sh->go, __ATOMIC_SEQ_CST))
				sleep_ms(0);
		}
		if (o->interval_ms)
			sleep_ms(o->interval_ms);
		snprintf(id, sizeof(id), "wardbench-%d-%ld-%ld", getpid(), slot, i + o->warm);
		argv_fill(c->argv, argv, id, number);
		const uint64_t start = now_ns();
		const int status = launch(o, c, argv, &usage);
		if (i >= 0)
			samples[i] = now_ns() - start;
		if (i >= 0 || status)
			row_add(row, status, &usage);
	}
	_exit(0);
}

static void batch_run(const struct options *o, size_t round, size_t command, struct shared *sh)
{
	const size_t at = round * o->n_commands + command;
	struct row *row = &sh->rows[at];
	uint64_t *samples = sh->samples_ns + at * (size_t)(o->launchers * o->batch);

	sh->ready = sh->go = 0;
	sleep_ms(o->settle_ms);
	for (long slot = 0; slot < o->launchers; slot++) {
		const pid_t pid = fork();
		if (pid < 0)
			die("fork");
		if (!pid) {
			prctl(PR_SET_PDEATHSIG, SIGKILL);
			launcher(o, &o->commands[command], slot, sh, row,
				 samples + slot * o->batch);
		}
	}
	while (__atomic_load_n(&sh->ready, __ATOMIC_SEQ_CST) < o->launchers && row->fails == 0) {
		sleep_ms(0);
		row->fails +=
		    waitpid(-1, NULL, WNOHANG) > 0; /* none ends before it is told to go */
	}
	const uint64_t start = now_ns();
	__atomic_store_n(&sh->go, 1, __ATOMIC_SEQ_CST);
	for (int status; wait(&status) > 0;)
		row->fails += status != 0;
	row->wall_ns = now_ns() - start;
	row->done = true;
}

/* ---- all rounds, and the report ---- */

static void print_command(const struct options *o, size_t command, const struct shared *sh)
{
	const size_t per = (size_t)(o->launchers * o->batch);
	const char *sep = "";
	struct row sum = {0};

	printf("\"%s\":{\"us\":[", o->commands[command].name);
	for (size_t r = 0; r < (size_t)o->rounds; r++) {
		const struct row *row = &sh->rows[r * o->n_commands + command];
		if (!row->done)
			continue;
		printf("%s[", sep);
		for (size_t i = 0; i < per; i++)
			printf("%s%.1f", i ? "," : "",
			       (double)sh->samples_ns[(r * o->n_commands + command) * per + i] /
				   1e3);
		printf("]");
		sep = ",";
		sum.wall_ns += row->wall_ns;
		sum.cpu_us += row->cpu_us;
		sum.fails += row->fails;
		sum.status = sum.status ? sum.status : row->status;
		sum.maxrss_kb = row->maxrss_kb > sum.maxrss_kb ? row->maxrss_kb : sum.maxrss_kb;
	}
	printf("],\"wall_us\":%.1f,\"cpu_us\":%llu,\"maxrss_kb\":%ld,\"fails\":%d,\"status\":%d}",
	       (double)sum.wall_ns / 1e3, (unsigned long long)sum.cpu_us, sum.maxrss_kb, sum.fails,
	       sum.status);
}

/* The caller's memory is small pages on purpose: that is what makes fork() slow. */
static void caller_grow(long mb)
{
	const size_t bytes = (size_t)mb << 20;
	if (!bytes)
		return;
	char *p = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (p == MAP_FAILED)
		die("caller memory");
	madvise(p, bytes, MADV_NOHUGEPAGE);
	for (size_t i = 0; i < bytes; i += 4096)
		p[i] = 1;
}

static int launch_all(const struct options *o)
{
	const size_t rows = (size_t)o->rounds * o->n_commands;
	const size_t per = (size_t)(o->launchers * o->batch);
	struct shared *sh = map_shared(sizeof(*sh));
	bool failed[MAX_COMMANDS] = {0};
	const uint64_t end = now_ns() + (uint64_t)o->total_s * 1000000000u;

	sh->rows = map_shared(rows * sizeof(*sh->rows));
	sh->samples_ns = map_shared(rows * per * sizeof(*sh->samples_ns));
	caller_grow(o->caller_mb);
	for (size_t r = 0; r < (size_t)o->rounds; r++)
		for (size_t i = 0; i < o->n_commands; i++) {
			const size_t c =
			    (i + r) % o->n_commands; /* nobody always follows the same one */
			if (failed[c] || now_ns() > end)
				continue;
			batch_run(o, r, c, sh);
			failed[c] = sh->rows[r * o->n_commands + c].fails;
		}
	printf("{");
	for (size_t c = 0; c < o->n_commands; c++) {
		printf("%s", c ? "," : "");
		print_command(o, c, sh);
	}
	printf("}\n");
	return 0;
}

static void command_add(struct options *o, char **words)
{
	struct command *c = &o->commands[o->n_commands];

	assert(o->n_commands < MAX_COMMANDS);
	c->name = words[0] + 2;
	c->argv = words + 1;
	for (char *lt; *c->argv && (lt = strchr(*c->argv, '<')) && c->n_fds < MAX_FDS; c->argv++) {
		c->fds[c->n_fds] = atoi(*c->argv);
		c->files[c->n_fds++] = lt + 1;
	}
	o->n_commands++;
}

static int launch_main(int argc, char **argv)
{
	struct options o = {
	    .batch = 10, .rounds = 1, .launchers = 1, .limit_s = 20, .total_s = 300};
	long *const numbers[128] = {
	    ['n'] = &o.batch,     ['r'] = &o.rounds,      ['w'] = &o.warm,
	    ['j'] = &o.launchers, ['i'] = &o.interval_ms, ['s'] = &o.settle_ms,
	    ['m'] = &o.caller_mb, ['t'] = &o.limit_s,     ['T'] = &o.total_s,
	};
	int opt;

	while ((opt = getopt(argc, argv, "+n:r:w:j:i:s:m:t:T:d:F")) != -1) {
		if (opt == '?')
			return 2;
		else if (opt == 'F')
			o.use_fork = true;
		else if (opt == 'd')
			o.scratch = optarg;
		else
			*numbers[opt] = atol(optarg);
	}
	for (int i = optind; i < argc; i++)
		if (!strncmp(argv[i], "@@", 2)) {
			command_add(&o, argv + i);
			argv[i] = NULL; /* ends the command before it */
		}
	if (!o.scratch || !o.n_commands || o.batch < 1 || o.rounds < 1 || o.launchers < 1) {
		fprintf(stderr, "runner: launch needs -d and @@NAME ARGV...\n");
		return 2;
	}
	const int report =
	    dup(1); /* children write to a file: some launchers change their stdio's owner */
	open_as(o.scratch, "stdin", 0, O_RDONLY | O_CREAT);
	open_as(o.scratch, "output", 2, O_WRONLY | O_CREAT | O_APPEND);
	dup2(2, 1);
	fcntl(report, F_SETFD, FD_CLOEXEC);
	sigaction(SIGALRM, &(struct sigaction){.sa_handler = on_alarm}, NULL);
	stdout = fdopen(report, "w");
	const int rc = launch_all(&o);
	fflush(stdout);
	return rc;
}

int main(int argc, char **argv)
{
	if (argc > 1 && !strcmp(argv[1], "launch"))
		return launch_main(argc - 1, argv + 1);
	fprintf(stderr, "usage: runner launch [OPTIONS] -d SCRATCH @@NAME ARGV...\n");
	return 2;
}
