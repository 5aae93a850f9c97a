/* The table of commands. Finds one, reads its options, prints its error once, exits. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cmd/command.h"
#include "cmd/say.h"

static const struct command *const commands[] = {
	&command_run,
	&command_check,
	&command_doctor,
	&command_selftest,
	&command_surface,
	&command_trace,
	&command_compile,
	&command_lint,
	&command_why,
	&command_diff,
	&command_advise,
	&command_bench,
	&command_completion,
	&command_version,
	&command_help,
};

enum { TOP_VERSION };
static const struct opt top_options[] = {
	{ .name = "version", .letter = 'V', .help = "show the version", .group = "Other",
	  .id = TOP_VERSION },
	COMMAND_HELP,
};

const struct command *command_at(size_t i)
{
	return i < ARRAY_SIZE(commands) ? commands[i] : NULL;
}

const struct command *command_find(const char *name)
{
	for (size_t i = 0; i < ARRAY_SIZE(commands); i++)
		if (strcmp(commands[i]->name, name) == 0)
			return commands[i];
	return NULL;
}

static void add_command_help(const struct command *command, struct str *out)
{
	str_addf(out, "usage: ward %s %s\n\n", command->name, command->usage);
	str_addf(out, "%c%s.\n", command->summary[0] & ~0x20, command->summary + 1);
	if (command->about) {
		str_add(out, "\n");
		opt_wrap(out, command->about, 0);
	}
	opt_help(command->options, command_count_options(command), out);
}

static void add_top_help(struct str *out)
{
	str_add(out, "usage: ward COMMAND [option]... [argument]...\n\n"
		     "Runs a program with no authority but what a policy grants.\n\nCommands:\n");
	for (size_t i = 0; i < ARRAY_SIZE(commands); i++) {
		str_addf(out, "  %s", commands[i]->name);
		str_pad(out, 14);
		opt_wrap(out, commands[i]->summary, 14);
	}
	opt_help(top_options, ARRAY_SIZE(top_options), out);
	str_add(out, "\n`ward COMMAND --help` tells more; so does `man ward-COMMAND`.\n");
}

static int refuse_command(const char *name, struct err *e)
{
	struct str_near near = STR_NEAR(name);

	for (size_t i = 0; i < ARRAY_SIZE(commands); i++)
		str_near_offer(&near, commands[i]->name);
	if (str_near_best(&near))
		return err_set(e, ERR_USAGE, "unknown command '%.40s' (did you mean '%s'?)", name,
			       str_near_best(&near));
	return err_set(e, ERR_USAGE, "unknown command '%.40s'; `ward --help` lists them", name);
}

static int run_help(struct args *args, struct err *e)
{
	OWN(str) out = STR_NONE;

	if (args->n_operands) {
		const struct command *const command = command_find(args->operands[0]);

		if (!command)
			return refuse_command(args->operands[0], e);
		add_command_help(command, &out);
	} else {
		add_top_help(&out);
	}
	return say_out(STDOUT_FILENO, "standard output", &out, e);
}

static const struct opt help_options[] = { COMMAND_HELP };
const struct command command_help = {
	.name = "help",
	.summary = "show what a command does and its options",
	.usage = "[command]",
	.options = help_options,
	.trouble = CODE_USAGE,
	.run = run_help,
};

/* Reads all options before anything is done; hits must have room for every word and letter. */
static int read_hits(struct opt_reader *reader, struct opt_hit **hits, size_t *n_hits,
		     struct err *e)
{
	size_t cap = 0;
	int more;

	for (;;) {
		*hits = mem_grow(*hits, &cap, *n_hits + 1, sizeof(**hits));
		more = opt_next(reader, &(*hits)[*n_hits], e);
		if (more <= 0)
			return more;
		++*n_hits;
	}
}

static int run_command(struct args *args, char *const *words, struct err *e)
{
	const struct command *const command = args->command;
	struct opt_reader reader = {
		.table = command->options,
		.n = command_count_options(command),
		.argv = words,
	};
	OWN_MEM struct opt_hit *hits = NULL;

	if (read_hits(&reader, &hits, &args->n_hits, e) < 0)
		return err_add(e, "%s", command->name);
	args->hits = hits;
	args->operands = words + reader.at;
	while (args->operands[args->n_operands])
		args->n_operands++;
	if (args_has(args, COMMAND_HELP_ID)) {
		OWN(str) out = STR_NONE;

		add_command_help(command, &out);
		return say_out(STDOUT_FILENO, "standard output", &out, e);
	}
	return command->run(args, e);
}

/* `ward --version`, `ward --help`, or a command. */
static int choose(struct args *args, char *const *words, struct err *e)
{
	struct opt_reader reader = {
		.table = top_options,
		.n = ARRAY_SIZE(top_options),
		.argv = words,
	};
	struct opt_hit hit;
	const int given = opt_next(&reader, &hit, e);

	if (given < 0)
		return -1;
	if (!given && !words[reader.at])
		return err_set(e, ERR_USAGE, "no command given; `ward --help` lists them");
	if (!given)
		args->command = command_find(words[reader.at++]);
	else
		args->command = hit.opt->id == TOP_VERSION ? &command_version : &command_help;
	if (!args->command)
		return refuse_command(words[reader.at - 1], e);
	if (given) {
		args->operands = words + reader.at;
		return args->command->run(args, e);
	}
	return run_command(args, words + reader.at, e);
}

/* Descriptors 0 to 2 are made to exist, or the first file ward opens would become one of them. */
static bool fill_standard(int fd)
{
	if (fcntl(fd, F_GETFD) >= 0 || errno != EBADF)
		return true;
	if (open("/dev/null", fd == STDIN_FILENO ? O_RDONLY : O_WRONLY) != fd)
		_exit(CODE_SETUP);
	return false;
}

int main(int argc, char **argv)
{
	static char *const no_words[] = { NULL };
	struct args args = { .own_codes = CODE_STOPPED };
	struct err e = ERR_INIT;
	int code;

	args.has_in = fill_standard(STDIN_FILENO);
	args.has_out = fill_standard(STDOUT_FILENO);
	args.has_err = fill_standard(STDERR_FILENO);
	code = choose(&args, argc > 0 ? argv + 1 : no_words, &e);
	if (code >= 0)
		return code;
	say(SAY_ERROR, "%s", e.text);
	code = args.command ? args.command->trouble : CODE_SETUP;
	return code == CODE_SETUP ? args.own_codes + CODE_SETUP - CODE_STOPPED : code;
}
