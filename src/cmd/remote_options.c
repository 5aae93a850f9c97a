/* The rows of `ward submit`, `jobs`, `logs`, `cancel`, `top` and `mcp`; what they do is linked into ward-client. */
#include "cmd/remote_options.h"

#define ROW(name_, letter_, kind_, arg_, group_, id_, help_) \
	{ .name = name_, .letter = letter_, .kind = kind_, .arg = arg_, .group = group_, .id = id_, .help = help_ }
#define RAW_HELP "leave control bytes in what goes to a terminal as they are: a job can then do to it what it likes"

static const struct opt submit_options[] = {
	ROW("runtime", 'r', OPT_VALUE, "NAME[@VERSION]", "Program", SUBMIT_RUNTIME,
	    "python, node, bash, c, cpp, exec, ...; default: by the ending of the program's name"),
	ROW("command", 0, OPT_FLAG, NULL, "Program", SUBMIT_COMMAND,
	    "the words are a command of the box, not a file here; always so with -r exec"),
	{ .name = "file", .letter = 'f', .kind = OPT_VALUE, .arg = "PATH[:AS]", .group = "Program", .words = OPT_PATHS,
	  .id = SUBMIT_FILE, .help = "send a file along; AS is its path in the job" },
	{ .name = "stdin", .kind = OPT_VALUE, .arg = "FILE", .group = "Program", .words = OPT_PATHS, .id = SUBMIT_STDIN,
	  .help = "standard input of the program" },
	ROW("env", 'e', OPT_VALUE, "NAME=VALUE", "Program", SUBMIT_ENV, "set a variable"),
	ROW("output", 'o', OPT_VALUE, "PATTERN", "Program", SUBMIT_OUTPUT, "keep files the job leaves, as out/*.png"),
	ROW("boundary", 'b', OPT_VALUE, "NAME", "Program", SUBMIT_BOUNDARY,
	    "auto, container, gvisor, wasm, isolate; auto: the cheapest that holds the tenant's threat"),
	ROW("cpu", 0, OPT_VALUE, "DURATION", "Limits", SUBMIT_CPU, "processor time"),
	ROW("wall", 0, OPT_VALUE, "DURATION", "Limits", SUBMIT_WALL, "time by the clock"),
	ROW("mem", 0, OPT_VALUE, "SIZE", "Limits", SUBMIT_MEM, "memory"),
	ROW("pids", 0, OPT_VALUE, "N", "Limits", SUBMIT_PIDS, "processes and threads at once"),
	ROW("cpus", 0, OPT_VALUE, "N", "Limits", SUBMIT_CPUS, "processors used at once, 1.5 = one and a half"),
	ROW("disk", 0, OPT_VALUE, "SIZE", "Limits", SUBMIT_DISK, "bytes in files"),
	ROW("out-max", 0, OPT_VALUE, "SIZE", "Limits", SUBMIT_OUT_MAX, "bytes of standard output that are kept"),
	ROW("err-max", 0, OPT_VALUE, "SIZE", "Limits", SUBMIT_ERR_MAX, "bytes of standard error that are kept"),
	ROW("name", 0, OPT_VALUE, "TEXT", "Job", SUBMIT_NAME, "a name for people"),
	ROW("label", 'l', OPT_VALUE, "NAME=VALUE", "Job", SUBMIT_LABEL, "a label, to find the job by"),
	ROW("priority", 0, OPT_VALUE, "0..9", "Job", SUBMIT_PRIORITY, "among your own jobs; 9 is first (5)"),
	ROW("deadline", 0, OPT_VALUE, "TIME", "Job", SUBMIT_DEADLINE, "not started after it, as 2030-01-31T18:00:00Z"),
	ROW("attempts", 0, OPT_VALUE, "N", "Job", SUBMIT_ATTEMPTS, "starts, when the service fails in between; 1: at most once (3)"),
	ROW("keep", 0, OPT_VALUE, "DURATION", "Job", SUBMIT_TTL, "how long the job's data are kept after its end (24h)"),
	ROW("idempotency-key", 0, OPT_VALUE, "TEXT", "Job", SUBMIT_KEY,
	    "the same key and job give the same job, however often it is sent; default: one nobody else uses"),
	ROW("wait", 'w', OPT_FLAG, NULL, "Output", SUBMIT_WAIT, "wait for the end and exit as the program did"),
	ROW("follow", 'F', OPT_FLAG, NULL, "Output", SUBMIT_FOLLOW, "the same, and write what the program writes while it writes it"),
	ROW("interactive", 'i', OPT_FLAG, NULL, "Output", SUBMIT_INTERACTIVE, "the same, and send it what is typed or piped here"),
	ROW("tty", 't', OPT_FLAG, NULL, "Output", SUBMIT_TTY,
	    "the same, with a terminal: what the program writes reaches yours as it is"),
	ROW("raw", 0, OPT_FLAG, NULL, "Output", SUBMIT_RAW, RAW_HELP),
	ROW("json", 0, OPT_FLAG, NULL, "Output", SUBMIT_JSON, "print the job as JSON instead of its id"),
	ROW("quiet", 'q', OPT_FLAG, NULL, "Output", SUBMIT_QUIET, "say nothing but what goes wrong"),
	REMOTE_ROWS,
	COMMAND_HELP,
};
const struct command command_submit = {
	.name = "submit",
	.summary = "give a program to a ward service",
	.usage = "[option]... PROGRAM [argument]...",
	.about = "PROGRAM is a file here, which is sent along, or with --command the name of a program in the box. Prints the "
		 "job's id. With --wait or --follow the exit code is the program's own; 128+N when signal N ended it; 124 for a "
		 "limit; 125 when it did not run to its end, or nothing could be sent; 159 for a refused system call; 130 after "
		 "Ctrl-C, which cancels the job. A create whose answer is lost is sent again under the same key: a job never "
		 "exists twice by that.",
	.options = submit_options,
	.trouble = CODE_SETUP,
};

static const struct opt jobs_options[] = {
	ROW("state", 's', OPT_VALUE, "STATE,...", "Which", JOBS_STATE, "in these states, as queued,running"),
	ROW("runtime", 'r', OPT_VALUE, "NAME", "Which", JOBS_RUNTIME, "of this runtime"),
	ROW("label", 'l', OPT_VALUE, "NAME=VALUE", "Which", JOBS_LABEL, "with this label"),
	ROW("after", 0, OPT_VALUE, "TIME", "Which", JOBS_AFTER, "created at that time or later, as 2030-01-31T18:00:00Z"),
	ROW("before", 0, OPT_VALUE, "TIME", "Which", JOBS_BEFORE, "created before it"),
	ROW("limit", 'n', OPT_VALUE, "N", "Which", JOBS_LIMIT, "at most so many a page (50)"),
	ROW("cursor", 0, OPT_VALUE, "TEXT", "Which", JOBS_CURSOR, "the page behind the one that said so"),
	ROW("all", 'a', OPT_FLAG, NULL, "Which", JOBS_ALL, "all pages"),
	ROW("json", 0, OPT_FLAG, NULL, "Output", JOBS_JSON, "a JSON object a line"),
	REMOTE_ROWS,
	COMMAND_HELP,
};
const struct command command_jobs = {
	.name = "jobs",
	.summary = "list the jobs of a ward service, or show some",
	.usage = "[option]... [ID]...",
	.about = "Newest first. With ids: what is known of each of them.",
	.options = jobs_options,
	.trouble = CODE_SETUP,
};

static const struct opt logs_options[] = {
	ROW("follow", 'f', OPT_FLAG, NULL, "Output", LOGS_FOLLOW, "go on until the job has ended"),
	ROW("stdout", 0, OPT_FLAG, NULL, "Output", LOGS_STDOUT, "standard output alone"),
	ROW("stderr", 0, OPT_FLAG, NULL, "Output", LOGS_STDERR, "standard error alone"),
	ROW("raw", 0, OPT_FLAG, NULL, "Output", LOGS_RAW, RAW_HELP),
	REMOTE_ROWS,
	COMMAND_HELP,
};
const struct command command_logs = {
	.name = "logs",
	.summary = "write what a job of a ward service has written",
	.usage = "[option]... ID",
	.about = "Standard output goes to standard output and standard error to standard error. Without --follow the one comes "
		 "before the other. The exit code does not depend on the job.",
	.options = logs_options,
	.trouble = CODE_SETUP,
};

static const struct opt cancel_options[] = {
	ROW("wait", 'w', OPT_FLAG, NULL, "Output", CANCEL_WAIT, "wait until the job has ended"),
	REMOTE_ROWS,
	COMMAND_HELP,
};
const struct command command_cancel = {
	.name = "cancel",
	.summary = "end jobs of a ward service",
	.usage = "[option]... ID...",
	.about = "A job that waits ends at once; one that runs is asked to end, and after its grace is made to. One that has "
		 "ended stays as it is. Prints each job's state.",
	.options = cancel_options,
	.trouble = CODE_SETUP,
};

static const struct opt top_options[] = {
	ROW("once", '1', OPT_FLAG, NULL, "Output", TOP_ONCE, "write the page once and end"),
	ROW("tenant", 't', OPT_VALUE, "NAME", "Which", TOP_TENANT, "with an operator's key: this tenant's figures alone"),
	REMOTE_ROWS,
	COMMAND_HELP,
};
const struct command command_top = {
	.name = "top",
	.summary = "watch a ward service: jobs, starts, boxes, refused calls",
	.usage = "[option]...",
	.about = "An operator's key shows the whole service, any other its own tenant with its jobs. On a terminal the page is "
		 "drawn again each two seconds until q is pressed.",
	.options = top_options,
	.trouble = CODE_SETUP,
};

static const struct opt mcp_options[] = {
	REMOTE_WHERE_ROWS,
	COMMAND_HELP,
};
const struct command command_mcp = {
	.name = "mcp",
	.summary = "give an agent the tools of a ward service",
	.usage = "[option]...",
	.about = "A server of the Model Context Protocol on standard input and output, for agents that start their servers "
		 "themselves: each message is sent to the service, which has the tools. Without a service, or a key, each request is "
		 "answered with what is missing. Ends with its input; SIGTERM and Ctrl-C cancel what still runs.",
	.options = mcp_options,
	.trouble = CODE_SETUP,
};
