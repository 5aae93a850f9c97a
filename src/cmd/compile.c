/* `ward compile`: a policy for other tools. Runs nothing and looks at nothing of this host; it refuses to
 * let a difference between the policy and what is written go unsaid. */
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "base/fd.h"
#include "cmd/command.h"
#include "cmd/compiled.h"
#include "cmd/compose.h"
#include "cmd/say.h"

enum compile_id { COMPILE_TO = COMPOSE_IDS, COMPILE_OUT, COMPILE_WIDER, COMPILE_QUIET };
static const struct opt options[] = {
	COMPOSE_ROW_POLICY,
	COMPOSE_ROW_SET,
	COMPOSE_ROW_WIDEN,
	{ .name = "to", .kind = OPT_VALUE, .arg = "FORMAT", .group = "Output",
	  .words = "bpf|bpf-text|oci|oci-config|systemd|bwrap", .id = COMPILE_TO,
	  .help = "bpf: the filter as bytes; bpf-text: listed; oci: a seccomp profile; oci-config: "
		  "config.json of a bundle; systemd: a drop-in; bwrap: a shell script" },
	{ .name = "output", .letter = 'o', .kind = OPT_VALUE, .arg = "FILE", .group = "Output",
	  .words = OPT_PATHS, .id = COMPILE_OUT, .help = "where to write; default: standard output" },
	{ .name = "wider", .group = "Output", .id = COMPILE_WIDER,
	  .help = "let through whole calls whose arguments the format cannot test; each is named. "
		  "Without it they are refused there" },
	{ .name = "quiet", .letter = 'q', .group = "Output", .id = COMPILE_QUIET,
	  .help = "do not repeat the differences on standard error" },
	COMMAND_HELP,
};

/* NULL: standard output. */
static const char *out_path(const struct args *args)
{
	const struct opt_hit *const hit = args_find(args, COMPILE_OUT);

	return hit && strcmp(hit->value, "-") != 0 ? hit->value : NULL;
}

static int find_peer(const struct args *args, const struct peer **peer, struct err *e)
{
	const struct opt_hit *const hit = args_find(args, COMPILE_TO);

	if (!hit)
		return err_set(e, ERR_USAGE, "--to is missing; write --to oci, or another format of `ward "
			       "compile --help`");
	return compiled_find(hit->value, NULL, peer, e);
}

/* Comes before anything is read: a terminal would take bytes of a filter for commands. */
static int check_out(const struct args *args, const struct peer *peer, struct err *e)
{
	if (peer->is_binary && !out_path(args) && isatty(STDOUT_FILENO))
		return err_set(e, ERR_USAGE, "%s is no text; write it to a file with -o FILE, or use --to bpf-text",
			       peer->name);
	return 0;
}

static int compile(struct policy *policy, struct compiled *c, const struct args *args, const struct peer *peer,
		   struct err *e)
{
	struct compiled_how how = { .argv = (const char *const *)args->operands, .widen = args_has(args, COMPILE_WIDER) };

	if (compose_policy(args, policy, &how.source, e) < 0)
		return -1;
	return compiled_write(c, policy, &how, peer, e);
}

static int write_out(const struct args *args, const struct str *text, struct err *e)
{
	const char *const path = out_path(args);
	OWN_FD int fd = -1;

	if (!path)
		return say_out(STDOUT_FILENO, "standard output", text, e);
	fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOCTTY, 0666);
	if (fd < 0)
		return err_sys(e, "%.200s", path);
	return say_out(fd, path, text, e);
}

static int finish(const struct compiled *c, const struct args *args, struct err *e)
{
	OWN(str) notes = STR_NONE;

	if (write_out(args, &c->text.out, e) < 0)
		return -1;
	peer_add_notes(&c->text, "", &notes);
	if (!args_has(args, COMPILE_QUIET))
		say_lines(SAY_NOTE, str_text(&notes));
	return c->text.n_notes && c->text.notes[0].is_wider ? CODE_FINDINGS : 0;
}

int command_compile_run(struct args *args, struct err *e)
{
	OWN(policy) policy = POLICY_NONE;
	struct compiled *const c = compiled_new();
	const struct peer *peer;
	int code = -1;

	if (find_peer(args, &peer, e) == 0 && check_out(args, peer, e) == 0 &&
	    compile(&policy, c, args, peer, e) == 0)
		code = finish(c, args, e);
	compiled_free(c);
	return code;
}

const struct command command_compile = {
	.name = "compile",
	.summary = "write a policy down for another tool",
	.usage = "[option]... --to FORMAT [--] [program [argument]...]",
	.about = "What is written never lets a system call through that the policy refuses, unless "
		 "--wider is given. What the other tool cannot say is listed: as comments where the "
		 "format has them, and on standard error. The exit code is 0 when it holds as much as "
		 "the policy does, 1 when something is wider there, 2 when the policy cannot be compiled.",
	.options = options,
	.trouble = CODE_USAGE,
};
