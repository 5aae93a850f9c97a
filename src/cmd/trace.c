/* `ward trace`: runs a program in a box, records what it calls, and makes of it a histogram, a record, a
 * policy. The run happens in a process of its own, which has no rights left afterwards; what comes back is
 * read like any record, strictly. */
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/fd.h"
#include "cmd/apart.h"
#include "cmd/running.h"
#include "cmd/say.h"
#include "cmd/trace_show.h"
#include "model/record.h"

enum trace_id { TRACE_OUT = RUN_IDS, TRACE_FORMAT, TRACE_MERGE, TRACE_CAPS, TRACE_SITES };
static const struct opt options[] = {
	{ .name = "output", .letter = 'o', .kind = OPT_VALUE, .arg = "FILE", .group = "Trace", .words = OPT_PATHS,
	  .id = TRACE_OUT, .help = "write what --format says to a file; default, with --format: standard output" },
	{ .name = "format", .kind = OPT_VALUE, .arg = "json", .group = "Trace",
	  .words = "json", .id = TRACE_FORMAT,
	  .help = "json: the record itself, which --merge reads" },
	{ .name = "merge", .kind = OPT_VALUE, .arg = "FILE", .group = "Trace", .words = OPT_PATHS, .id = TRACE_MERGE,
	  .help = "add the record of an earlier run; may be given several times, and without a program" },
	{ .name = "caps", .group = "Trace", .id = TRACE_CAPS,
	  .help = "say which capabilities the calls ask for, and which a network service typically needs" },
	{ .name = "sites", .group = "Trace", .id = TRACE_SITES,
	  .help = "say below each call from where in the program it came" },
#include "cmd/run_options.def"
	COMMAND_HELP,
};

struct tracing {
	struct args *args;
	struct record *record;          /* of all runs */
	int record_fd;                  /* where the child leaves the record of its run */
};

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
	const struct tracing *const tracing = at;
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
	if (run.result.stage == STAGE_RUN)
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

static int finish(const struct tracing *tracing, int out_fd, const char *name, struct err *e)
{
	OWN(json) json = JSON_NONE;

	show(tracing);
	if (out_fd < 0)
		return 0;
	record_write(tracing->record, &json);
	return say_out(out_fd, name, &json.out, e);
}

/* Opened before anything runs: that it cannot be written is found out while it still matters. */
static int open_out(const struct args *args, int *own, int *fd, const char **name, struct err *e)
{
	const struct opt_hit *const out = args_find(args, TRACE_OUT), *const format = args_find(args, TRACE_FORMAT);

	*name = "standard output";
	*fd = format ? STDOUT_FILENO : -1;
	if (!out)
		return 0;
	*fd = STDOUT_FILENO;
	if (!strcmp(out->value, "-"))
		return 0;
	*name = out->value;
	*own = *fd = open(out->value, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOCTTY, 0666);
	return *own < 0 ? err_sys(e, "%.200s", out->value) : 0;
}

static int run(struct tracing *tracing, struct err *e)
{
	OWN_FD int own_fd = -1;
	const char *name;
	int fd, code = 0;

	if (!tracing->args->n_operands && !args_has(tracing->args, TRACE_MERGE))
		return err_set(e, ERR_USAGE, "no program given; write `ward trace [option]... -- program [argument]...`, "
			       "or name records with --merge");
	if (open_out(tracing->args, &own_fd, &fd, &name, e) < 0)
		return -1;
	if (tracing->args->n_operands)
		code = trace(tracing, e);
	if (code < 0 || merge_files(tracing, e) < 0)
		return -1;
	if (!tracing->record->runs)
		return code;
	return finish(tracing, fd, name, e) < 0 ? -1 : code;
}

static int run_trace(struct args *args, struct err *e)
{
	struct tracing tracing = { .args = args, .record = mem_alloc(sizeof(*tracing.record)), .record_fd = -1 };
	const int code = run(&tracing, e);

	fd_close(tracing.record_fd);
	record_done(tracing.record);
	free(tracing.record);
	return code;
}

const struct command command_trace = {
	.name = "trace",
	.summary = "run a program and see which system calls it makes",
	.usage = "[option]... [--] [program [argument]...]",
	.about = "The program runs in a box as `ward run` makes it, but its system calls are recorded, and go on "
		 "whatever the policy lists; the floor, namespaces, file grants and limits hold. The exit code is that "
		 "of `ward run`.",
	.options = options,
	.trouble = CODE_SETUP,
	.run = run_trace,
};
