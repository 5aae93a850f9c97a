/* `ward trace`: runs a program in a box, records what it calls, and makes of it a table, a record, a policy.
 * Each run happens in a process of its own, which has no rights left afterwards; what comes back is read
 * like any record, strictly. */
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/fd.h"
#include "cmd/apart.h"
#include "cmd/compiled.h"
#include "cmd/running.h"
#include "cmd/say.h"
#include "cmd/trace_replay.h"
#include "cmd/trace_show.h"
#include "judge/derive.h"
#include "model/record.h"
#include "monitor/monitor.h"

enum trace_id { TRACE_OUT = RUN_IDS, TRACE_FORMAT, TRACE_MERGE, TRACE_REPLAY, TRACE_CAPS, TRACE_SITES };
static const struct opt options[] = {
	{ .name = "output", .letter = 'o', .kind = OPT_VALUE, .arg = "FILE", .group = "Trace", .words = OPT_PATHS,
	  .id = TRACE_OUT,
	  .help = "write the smallest policy that suffices, or what --format says; - is standard output" },
	{ .name = "format", .kind = OPT_VALUE, .arg = "FORMAT", .group = "Trace",
	  .words = "ward|json|bpf|bpf-text|oci|oci-config|systemd|bwrap", .id = TRACE_FORMAT,
	  .help = "ward: a policy with the reason of each entry (default); json: the record, which --merge reads; or "
		  "that policy in a format of `ward compile`. Without -o: on standard output" },
	{ .name = "merge", .kind = OPT_VALUE, .arg = "FILE", .group = "Trace", .words = OPT_PATHS, .id = TRACE_MERGE,
	  .help = "add the record of an earlier run; may be given several times, and without a program" },
	{ .name = "replay", .group = "Trace", .id = TRACE_REPLAY,
	  .help = "run the program again under that policy and report the first thing it misses; the exit code is "
		  "then 0 for nothing, 1 for something" },
	{ .name = "caps", .group = "Trace", .id = TRACE_CAPS,
	  .help = "say which capabilities the calls ask for, and which a network service typically needs" },
	{ .name = "sites", .group = "Trace", .id = TRACE_SITES,
	  .help = "say below each call from where in the program it came" },
#include "cmd/run_options.def"
	COMMAND_HELP,
};

/* What the child tells beside the record: numbers, of which the worst that can be wrong is a limit. */
struct measured {
	struct derive_usage usage;
};

struct tracing {
	struct args *args;
	struct record *record;          /* of all runs */
	int record_fd;                  /* where the child leaves the record of its run */
	struct measured *measured;      /* shared with the child */
	struct policy policy;           /* it ran under; empty: not known */
	struct str text;                /* of the derived policy */
};

static void measure(const struct result *result, struct measured *out)
{
	const uint32_t have = result->have;

	out->usage = (struct derive_usage){
		.cpu_ms = result->cpu_us / 1000 + 1,
		.wall_ms = result->wall_us / 1000 + 1,
		/* Without a cgroup the policy's limit is one of address space, which is no measure of use. */
		.memory_bytes = have & USAGE_MEMORY ? result->memory_peak_bytes : 0,
		.pids = have & USAGE_PIDS ? result->pids_peak : 0,
		.output_bytes = result->output_bytes,
	};
}

/* A process of its own from here on. */
static void write_record(const struct running *run, int fd)
{
	struct record *const record = run->record;
	OWN(json) json = JSON_NONE;
	struct err e;

	for (size_t i = 0; run->payload.argv[i] && record->n_argv < RECORD_WORDS; i++)
		record_set_text(record, &record->argv[record->n_argv++], run->payload.argv[i]);
	record_set_text(record, &record->policy, policy_text(&run->policy, KEY_NAME));
	record_set_text(record, &record->boundary, run->result.boundary);
	record->runs = 1;
	record_write(record, &json);
	if (say_out(fd, "the record", &json.out, &e) < 0)
		say(SAY_ERROR, "%s", e.text);
}

static int trace_program(void *at)
{
	struct tracing *const tracing = at;
	OWN(running) run = RUNNING_NONE;
	struct err e = ERR_INIT;

	run.record = tracing->record;
	if (running_prepare(&run, tracing->args, &e) < 0) {
		say(SAY_ERROR, "%s", e.text);
		(void)running_fail(&run, tracing->args, &e);
		return run.result.ward_code;
	}
	if (run.options.dry_run)
		return 0;
	running_start(&run);
	measure(&run.result, tracing->measured);
	if (run.result.verdict == VERDICT_INTERNAL)
		record_cut(run.record, "ward failed while the program ran");
	if (run.record->calls[SYS_execve].count)
		write_record(&run, tracing->record_fd);
	return running_report(&run, tracing->args);
}

/* The bytes of a descriptor, from its start. */
static int read_all(int fd, const char *name, struct str *out, struct err *e)
{
	NO_INIT char bytes[65536];
	ssize_t n = 0;

	while (!out->cut && (n = read(fd, bytes, sizeof(bytes))) > 0)
		str_add_bytes(out, bytes, (size_t)n);
	if (n < 0)
		return err_sys(e, "%.200s", name);
	return out->cut ? err_set(e, ERR_LIMIT, "%.200s: a record has at most %zu bytes", name, RECORD_BYTES) : 0;
}

/* Adds the record in a file to that of all runs. */
static int merge_fd(struct tracing *tracing, int fd, const char *name, struct err *e)
{
	OWN_MEM struct record *one = mem_alloc(sizeof(*one));
	OWN(str) text = { .max = RECORD_BYTES };

	if (read_all(fd, name, &text, e) < 0 || record_read(name, str_text(&text), text.len, one, e) < 0)
		return -1;
	record_merge(tracing->record, one);
	record_done(one);
	return 0;
}

static int merge_files(struct tracing *tracing, struct err *e)
{
	for (size_t i = 0; i < tracing->args->n_hits; i++) {
		const struct opt_hit *const hit = &tracing->args->hits[i];
		OWN_FD int fd = -1;

		if (hit->opt->id != TRACE_MERGE)
			continue;
		fd = open(hit->value, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
		if (fd < 0)
			return err_sys(e, "--merge %.200s", hit->value);
		if (merge_fd(tracing, fd, hit->value, e) < 0)
			return -1;
	}
	return 0;
}

/* Returns the exit code of the run; the record then holds it, unless nothing ran. */
static int trace(struct tracing *tracing, struct err *e)
{
	int code;

	tracing->record_fd = memfd_create("ward-record", MFD_CLOEXEC);
	if (tracing->record_fd < 0)
		return err_sys(e, "memfd_create");
	code = apart_run(trace_program, tracing, e);
	if (code < 0 || lseek(tracing->record_fd, 0, SEEK_END) == 0)
		return code;
	if (lseek(tracing->record_fd, 0, SEEK_SET) < 0)
		return err_sys(e, "the record");
	return merge_fd(tracing, tracing->record_fd, "the record of this run", e) < 0 ? -1 : code;
}

static void show(const struct tracing *tracing)
{
	OWN(str) text = STR_NONE;
	struct err ignored;

	(args_has(tracing->args, TRACE_SITES) ? trace_show_sites : trace_show_calls)(tracing->record, &text);
	if (args_has(tracing->args, TRACE_CAPS))
		trace_show_caps(tracing->record, &text);
	if (!args_has(tracing->args, RUN_QUIET))
		(void)!say_out(STDERR_FILENO, "standard error", &text, &ignored);
}

/* While tracing no list of calls was in force: what it ran under refused none. */
static int read_policy(struct tracing *tracing, struct err *e)
{
	const char *source;

	if (!tracing->args->n_operands && !args_has(tracing->args, COMPOSE_POLICY))
		return 0;
	if (compose_policy(tracing->args, &tracing->policy, &source, e) < 0)
		return -1;
	filter_set_done(&tracing->policy.syscalls);
	tracing->policy.syscalls.otherwise = FILTER_ALLOW;
	return 0;
}

static int derive(struct tracing *tracing, struct err *e)
{
	struct derive_how how = { .home = getenv("HOME"), .usage = tracing->measured->usage };
	struct derived counts;

	if (read_policy(tracing, e) < 0)
		return -1;
	how.under = tracing->policy.n_grants ? &tracing->policy : NULL;
	derive_policy(tracing->record, &how, &tracing->text, &counts);
	if (tracing->text.cut)
		return err_set(e, ERR_LIMIT, "the derived policy is longer than a policy may be; merge fewer records");
	if (!args_has(tracing->args, RUN_QUIET))
		say(SAY_NOTE, "derived: %zu system calls, %zu of them with certain arguments only; %zu were refused and done "
		    "without; %zu files in %zu grants", counts.n_calls, counts.n_narrowed, counts.n_refused, counts.n_files,
		    counts.n_grants);
	return 0;
}

static int write_peer(const struct tracing *tracing, const struct peer *peer, int fd, const char *name, struct err *e)
{
	const struct compiled_how how = { .source = "derived", .argv = (const char *const *)tracing->args->operands };
	OWN(policy) policy = POLICY_NONE;
	OWN(str) notes = STR_NONE;
	struct compiled *const c = compiled_new();
	int rc = policy_read("the derived policy", str_text(&tracing->text), tracing->text.len, &policy, e);

	if (rc == 0)
		rc = compiled_write(c, &policy, &how, peer, e);
	if (rc == 0)
		rc = say_out(fd, name, &c->text.out, e);
	if (rc == 0 && !args_has(tracing->args, RUN_QUIET)) {
		peer_add_notes(&c->text, "", &notes);
		say_lines(SAY_NOTE, str_text(&notes));
	}
	compiled_free(c);
	return rc;
}

/* Where the product goes, and in which words. */
struct product {
	int own_fd, fd;                 /* fd -1: none is wanted */
	const char *name;
	bool is_record;
	const struct peer *peer;        /* NULL: ward's own words */
};

static int write_product(struct tracing *tracing, const struct product *product, struct err *e)
{
	OWN(json) json = JSON_NONE;

	if (product->is_record) {
		record_write(tracing->record, &json);
		return say_out(product->fd, product->name, &json.out, e);
	}
	if (product->peer)
		return write_peer(tracing, product->peer, product->fd, product->name, e);
	return say_out(product->fd, product->name, &tracing->text, e);
}

/* What comes after the run; code is that of the run. */
static int finish(struct tracing *tracing, const struct product *product, int code, struct err *e)
{
	const bool replays = args_has(tracing->args, TRACE_REPLAY);

	show(tracing);
	if ((replays || (product->fd >= 0 && !product->is_record)) && derive(tracing, e) < 0)
		return -1;
	if (product->fd >= 0 && write_product(tracing, product, e) < 0)
		return -1;
	if (!replays)
		return code;
	return trace_replay(&(struct replay){ .args = tracing->args, .record = tracing->record, .traced_code = code,
					      .policy = str_text(&tracing->text), .passed = tracing->policy.pass_fds,
					      .n_passed = tracing->policy.n_pass }, e);
}

static int read_format(const struct args *args, struct product *out, struct err *e)
{
	static const char *const own[] = { "ward", "json", NULL };
	const struct opt_hit *const hit = args_find(args, TRACE_FORMAT);

	if (!hit || !strcmp(hit->value, "ward"))
		return 0;
	out->is_record = !strcmp(hit->value, "json");
	return out->is_record ? 0 : compiled_find(hit->value, own, &out->peer, e);
}

/* Opened before anything runs: that it cannot be written is found out while it still matters. */
static int open_product(const struct args *args, struct product *out, struct err *e)
{
	const struct opt_hit *const hit = args_find(args, TRACE_OUT);

	if (read_format(args, out, e) < 0)
		return -1;
	out->name = "standard output";
	if (hit || args_has(args, TRACE_FORMAT))
		out->fd = STDOUT_FILENO;
	if (out->peer && out->peer->is_binary && (!hit || !strcmp(hit->value, "-")) && isatty(STDOUT_FILENO))
		return err_set(e, ERR_USAGE, "%s is no text; write it to a file with -o FILE, or use --format bpf-text",
			       out->peer->name);
	if (!hit || !strcmp(hit->value, "-"))
		return 0;
	out->name = hit->value;
	out->own_fd = out->fd = open(hit->value, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOCTTY, 0666);
	return out->fd < 0 ? err_sys(e, "%.200s", hit->value) : 0;
}

static int check_usage(const struct args *args, struct err *e)
{
	if (args->n_operands)
		return 0;
	if (args_has(args, TRACE_REPLAY))
		return err_set(e, ERR_USAGE, "--replay needs the program; write it after the options");
	if (!args_has(args, TRACE_MERGE))
		return err_set(e, ERR_USAGE, "no program given; write `ward trace [option]... -- program [argument]...`, "
			       "or name records with --merge");
	return 0;
}

static int run(struct tracing *tracing, struct product *product, struct err *e)
{
	int code = 0;

	if (check_usage(tracing->args, e) < 0 || open_product(tracing->args, product, e) < 0)
		return -1;
	if (tracing->args->n_operands)
		code = trace(tracing, e);
	if (code < 0 || merge_files(tracing, e) < 0)
		return -1;
	return tracing->record->runs ? finish(tracing, product, code, e) : code;
}

int command_trace_run(struct args *args, struct err *e)
{
	struct product product = { .own_fd = -1, .fd = -1 };
	struct tracing tracing = { .args = args, .record_fd = -1, .policy = POLICY_NONE };
	int code;

	tracing.measured = mmap(NULL, sizeof(*tracing.measured), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (tracing.measured == MAP_FAILED)
		return err_sys(e, "mmap");
	tracing.record = mem_alloc(sizeof(*tracing.record));
	code = run(&tracing, &product, e);
	fd_close(product.own_fd);
	fd_close(tracing.record_fd);
	str_done(&tracing.text);
	policy_done(&tracing.policy);
	record_done(tracing.record);
	free(tracing.record);
	munmap(tracing.measured, sizeof(*tracing.measured));
	return code;
}

const struct command command_trace = {
	.name = "trace",
	.summary = "run a program and see which system calls it makes",
	.usage = "[option]... [--] [program [argument]...]",
	.about = "The program runs in a box as `ward run` makes it, but its system calls are recorded, and go on "
		 "whatever the policy lists; the floor, namespaces, file grants and limits hold. A table of them goes to "
		 "standard error; -o writes the smallest policy that suffices, each entry with its reason. The exit "
		 "code is that of `ward run`; with --replay it is 0 when nothing was missed, 1 when something was.",
	.options = options,
	.trouble = CODE_SETUP,
};
