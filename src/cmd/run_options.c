/* The table of run's options. What is a key of the policy comes from policy_keys.def alone. */
#include "cmd/run_options.h"

#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "cmd/compose.h"
#include "model/policy_value.h"

enum run_id {
	RUN_EXPLAIN = COMPOSE_IDS, RUN_DRY_RUN, RUN_QUIET, RUN_VERBOSE, RUN_MONITOR, RUN_RESULT,
	RUN_RESULT_FORMAT, RUN_STATUS_FD, RUN_STDIN, RUN_STDOUT, RUN_STDERR, RUN_EXIT_PREFIX
};

/* How a key's type is shown and completed. */
#define KIND_DURATION OPT_VALUE
#define KIND_SIZE     OPT_VALUE
#define KIND_COUNT    OPT_VALUE
#define KIND_MILLI    OPT_VALUE
#define KIND_BOOL     OPT_MAYBE
#define KIND_CHOICE   OPT_VALUE
#define KIND_TEXT     OPT_VALUE
#define KIND_PATH     OPT_VALUE

#define ARG_DURATION(arg) "TIME"
#define ARG_SIZE(arg)     "SIZE"
#define ARG_COUNT(arg)    "N"
#define ARG_MILLI(arg)    "N"
#define ARG_BOOL(arg)     "true|false"
#define ARG_CHOICE(arg)   arg
#define ARG_TEXT(arg)     arg
#define ARG_PATH(arg)     arg

#define WORDS_DURATION(arg) NULL
#define WORDS_SIZE(arg)     NULL
#define WORDS_COUNT(arg)    NULL
#define WORDS_MILLI(arg)    NULL
#define WORDS_BOOL(arg)     "true|false"
#define WORDS_CHOICE(arg)   arg
#define WORDS_TEXT(arg)     NULL
#define WORDS_PATH(arg)     OPT_PATHS

/* A section of the file is a group of flags. Compilers fold these to constants. */
#define IS_IN(path, section) (__builtin_strncmp(path, section, sizeof(section) - 1) == 0)
#define GROUP(path) \
	(IS_IN(path, "limits.") ? "Limits" : \
	 IS_IN(path, "identity.") || IS_IN(path, "cwd") || IS_IN(path, "terminal") ? "Program" : \
	 IS_IN(path, "network.") || IS_IN(path, "syscalls.") || IS_IN(path, "proc") ? "Access" : \
	 IS_IN(path, "hardening.") ? "Hardening" : "Policy")
#define LETTER(id) (KEY_##id == KEY_BOUNDARY ? 'b' : KEY_##id == KEY_CWD ? 'C' : 0)

const struct opt run_options_table[] = {
	COMPOSE_ROW_POLICY,
	COMPOSE_ROW_SET,
	COMPOSE_ROW_WIDEN,
	COMPOSE_ROW_REQUIRE,
	COMPOSE_ROW_BEST_EFFORT,
	{ .name = "explain",
	  .group = "Policy",
	  .id = RUN_EXPLAIN,
	  .help = "print every setting and where it came from (on standard error), then run" },
	{ .name = "dry-run",
	  .group = "Policy",
	  .id = RUN_DRY_RUN,
	  .help = "print the plan on standard output, after the settings with --explain; run "
		  "nothing" },
	{ .name = "ro",
	  .kind = OPT_VALUE,
	  .arg = "PATH[:DEST]",
	  .group = "Files",
	  .words = OPT_PATHS,
	  .id = COMPOSE_RO,
	  .help = "grant reading" },
	{ .name = "rx",
	  .kind = OPT_VALUE,
	  .arg = "PATH[:DEST]",
	  .group = "Files",
	  .words = OPT_PATHS,
	  .id = COMPOSE_RX,
	  .help = "grant reading and executing" },
	{ .name = "rw",
	  .kind = OPT_VALUE,
	  .arg = "PATH[:DEST]",
	  .group = "Files",
	  .words = OPT_PATHS,
	  .id = COMPOSE_RW,
	  .help = "grant reading and writing" },
	{ .name = "tmp",
	  .kind = OPT_VALUE,
	  .arg = "DEST[:SIZE]",
	  .group = "Files",
	  .id = COMPOSE_TMP,
	  .help = "an empty directory in memory, gone at the end" },
#define KEY(ID, path, flag, type, narrow, arg_, help_) \
	{ .name = flag, .letter = LETTER(ID), .kind = KIND_##type, .arg = ARG_##type(arg_), \
	  .help = help_, .group = GROUP(path), .words = WORDS_##type(arg_), .id = KEY_##ID },
#include "model/policy_keys.def"
#undef KEY
	{ .name = "env",
	  .letter = 'e',
	  .kind = OPT_VALUE,
	  .arg = "NAME[=VALUE]",
	  .group = "Program",
	  .id = COMPOSE_ENV,
	  .help = "set a variable, or keep the one ward has" },
	{ .name = "env-keep",
	  .group = "Program",
	  .id = COMPOSE_ENV_KEEP,
	  .help = "keep ward's whole environment, but what the loader obeys (LD_*)" },
	{ .name = "pass-fd",
	  .kind = OPT_VALUE,
	  .arg = "N",
	  .group = "Program",
	  .id = COMPOSE_PASS_FD,
	  .help = "leave this descriptor open in the program, under the same number" },
	{ .name = "stdin",
	  .kind = OPT_VALUE,
	  .arg = "FILE",
	  .group = "Program",
	  .words = OPT_PATHS,
	  .id = RUN_STDIN,
	  .help = "read standard input from a file, opened by ward" },
	{ .name = "stdout",
	  .kind = OPT_VALUE,
	  .arg = "FILE",
	  .group = "Program",
	  .words = OPT_PATHS,
	  .id = RUN_STDOUT,
	  .help = "write standard output to a file, opened by ward" },
	{ .name = "stderr",
	  .kind = OPT_VALUE,
	  .arg = "FILE",
	  .group = "Program",
	  .words = OPT_PATHS,
	  .id = RUN_STDERR,
	  .help = "write standard error to a file, opened by ward" },
	{ .name = "result",
	  .kind = OPT_VALUE,
	  .arg = "FILE",
	  .group = "Outcome",
	  .words = OPT_PATHS,
	  .id = RUN_RESULT,
	  .help = "write how the run ended, what it used and what was refused; "
		  "- is standard error" },
	{ .name = "result-format",
	  .kind = OPT_VALUE,
	  .arg = "json|isolate",
	  .group = "Outcome",
	  .words = "json|isolate",
	  .id = RUN_RESULT_FORMAT,
	  .help = "json (default), or the meta file of isolate(1)" },
	{ .name = "status-fd",
	  .kind = OPT_VALUE,
	  .arg = "N",
	  .group = "Outcome",
	  .id = RUN_STATUS_FD,
	  .help = "write a line of JSON to this descriptor for each event" },
	{ .name = "exit-prefix",
	  .kind = OPT_VALUE,
	  .arg = "N",
	  .group = "Outcome",
	  .id = RUN_EXIT_PREFIX,
	  .help = "ward's own exit codes 124 to 127 become N to N+3" },
	{ .name = "name",
	  .kind = OPT_VALUE,
	  .arg = "NAME",
	  .group = "Outcome",
	  .id = COMPOSE_NAME,
	  .help = "the policy's name in the result" },
	{ .name = "quiet",
	  .letter = 'q',
	  .group = "Outcome",
	  .id = RUN_QUIET,
	  .help = "say nothing about limits and refused calls; errors are still printed" },
	{ .name = "verbose",
	  .letter = 'v',
	  .group = "Outcome",
	  .id = RUN_VERBOSE,
	  .help = "say what was used, which layers held and what is weaker than usual" },
	{ .name = "monitor",
	  .kind = OPT_VALUE,
	  .arg = "SOCKET|none",
	  .group = "Other",
	  .words = OPT_PATHS,
	  .id = RUN_MONITOR,
	  .help = "the ward-monitor that does what needs privilege; default: "
		  "/run/ward/monitor.sock, if it answers and you cannot set limits yourself" },
	COMMAND_HELP,
};

void run_options_done(struct run_options *options)
{
	for (size_t i = 0; i < ARRAY_SIZE(options->own); i++)
		if (options->own[i] >= 0)
			close(options->own[i]);
	*options = RUN_OPTIONS_NONE;
}

#define WRITE_FLAGS (O_WRONLY | O_CREAT | O_TRUNC)

static int open_file(const char *path, int flags, int *own, int *out, struct err *e)
{
	/* 0666 is narrowed by the umask, as the shell does for `>`. */
	const int fd = open(path, flags | O_CLOEXEC | O_NOCTTY, 0666);

	if (fd < 0)
		return err_sys(e, "%.200s", path);
	*own = *out = fd;
	return 0;
}

static int read_stdin(struct args *args, struct run_options *out, const char *value, struct err *e)
{
	(void)args;
	return open_file(value, O_RDONLY, &out->own[0], &out->in_fd, e);
}

static int read_stdout(struct args *args, struct run_options *out, const char *value, struct err *e)
{
	(void)args;
	return open_file(value, WRITE_FLAGS, &out->own[1], &out->out_fd, e);
}

static int read_stderr(struct args *args, struct run_options *out, const char *value, struct err *e)
{
	(void)args;
	return open_file(value, WRITE_FLAGS, &out->own[2], &out->err_fd, e);
}

/* Opened before anything runs: that it cannot be written is found out while it still matters. */
static int read_result(struct args *args, struct run_options *out, const char *value, struct err *e)
{
	(void)args;
	out->result_name = value;
	if (strcmp(value, "-") != 0)
		return open_file(value, WRITE_FLAGS, &out->own[3], &out->result_fd, e);
	out->result_name = "standard error";
	out->result_fd = STDERR_FILENO;
	return 0;
}

static int read_result_format(struct args *args, struct run_options *out, const char *value,
			      struct err *e)
{
	uint64_t n;

	(void)args;
	if (policy_value_parse(KEY_CHOICE, "json|isolate", value, &n, e) < 0)
		return -1;
	out->isolate = n == 1;
	return 0;
}

/* The caller's descriptor survived an exec, so that it is not close-on-exec; ours are. */
static int read_status_fd(struct args *args, struct run_options *out, const char *value,
			  struct err *e)
{
	uint64_t n;
	int flags;

	(void)args;
	if (policy_value_parse(KEY_COUNT, "1..1048575", value, &n, e) < 0)
		return -1;
	flags = fcntl((int)n, F_GETFD);
	if (flags < 0 || (flags & FD_CLOEXEC) || (fcntl((int)n, F_GETFL) & O_ACCMODE) == O_RDONLY)
		return err_set(e, ERR_USAGE,
			       "descriptor %d is not open for writing; open it in the shell, as in "
			       "`%d>file`",
			       (int)n, (int)n);
	out->status_fd = (int)n;
	return 0;
}

static int read_exit_prefix(struct args *args, struct run_options *out, const char *value,
			    struct err *e)
{
	uint64_t n;

	(void)out;
	if (policy_value_parse(KEY_COUNT, "1..252", value, &n, e) < 0)
		return -1;
	args->own_codes = (int)n;
	return 0;
}

static const struct {
	enum run_id id;
	int (*read)(struct args *args, struct run_options *out, const char *value, struct err *e);
} readers[] = {
	/* In this order: codes and result first, so that later failures are reported by them. */
	{ RUN_EXIT_PREFIX, read_exit_prefix },
	{ RUN_STATUS_FD, read_status_fd },
	{ RUN_RESULT_FORMAT, read_result_format },
	{ RUN_RESULT, read_result },
	{ RUN_STDIN, read_stdin },
	{ RUN_STDOUT, read_stdout },
	{ RUN_STDERR, read_stderr },
};

int run_options_read(struct args *args, struct run_options *out, struct err *e)
{
	const struct opt_hit *const monitor = args_find(args, RUN_MONITOR);

	out->explain = args_has(args, RUN_EXPLAIN);
	out->dry_run = args_has(args, RUN_DRY_RUN);
	out->quiet = args_has(args, RUN_QUIET);
	out->verbose = args_has(args, RUN_VERBOSE);
	out->monitor = monitor ? monitor->value : NULL;
	out->in_fd = args->has_in ? STDIN_FILENO : -1;
	out->out_fd = args->has_out ? STDOUT_FILENO : -1;
	out->err_fd = args->has_err ? STDERR_FILENO : -1;
	for (size_t i = 0; i < ARRAY_SIZE(readers); i++) {
		const struct opt_hit *const hit = args_find(args, (int)readers[i].id);

		if (hit && readers[i].read(args, out, hit->value, e) < 0)
			return err_add(e, "--%s", hit->opt->name);
	}
	if (!args->n_operands)
		return err_set(e, ERR_USAGE,
			       "no program given; write `ward run [option]... -- program "
			       "[argument]...`");
	return 0;
}
