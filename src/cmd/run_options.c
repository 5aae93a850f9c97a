/* The table of run's options. What is a key of the policy comes from policy_keys.def alone. */
#include "cmd/run_options.h"

#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "cmd/compose.h"
#include "model/policy_value.h"

const struct opt run_options_table[] = {
#include "cmd/run_options.def"
	{ .name = "requests",
	  .group = "Script",
	  .id = RUN_REQUESTS,
	  .help = "boundary js: the script answers each line of standard input, which is JSON, in a process of its "
		  "own; limits of time are each request's" },
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
	out->is_plugin = args_has(args, RUN_PLUGIN);
	out->requests = args_has(args, RUN_REQUESTS);
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
			       "no program given; write `ward %s [option]... -- program "
			       "[argument]...`",
			       args->command->name);
	return 0;
}
