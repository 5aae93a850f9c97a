/* Finds a command, reads its options, prints its error once. Refuses to guess which program was meant. */
#include "cmd/dispatch.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "base/mem.h"
#include "cmd/beside.h"
#include "cmd/say.h"

static const char *const program_names[] = {
	[WARD] = "ward", [ANALYST] = "ward-analyst", [PLUGIN] = "ward-plugin", [CLIENT] = "ward-client",
	[ARCHIVE] = "ward-archive",
};

static const struct {
	const char *name;
	enum program program;
} places[] = {
#define COMMAND(name, program) { #name, program },
#include "cmd/commands.def"
#undef COMMAND
};

enum { TOP_VERSION };
const struct opt dispatch_options[DISPATCH_OPTIONS] = {
	{ .name = "version", .letter = 'V', .help = "show the version", .group = "Other", .id = TOP_VERSION },
	COMMAND_HELP,
};

int dispatch_refuse(const char *name, struct err *e)
{
	struct str_near near = STR_NEAR(name);

	for (size_t i = 0; i < ARRAY_SIZE(places); i++)
		str_near_offer(&near, places[i].name);
	if (str_near_best(&near))
		return err_set(e, ERR_USAGE, "unknown command '%.40s' (did you mean '%s'?)", name, str_near_best(&near));
	return err_set(e, ERR_USAGE, "unknown command '%.40s'; `ward --help` lists them", name);
}

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

static int run_command(struct args *args, command_fn run, char *const *words, struct err *e)
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

		command_add_help(command, &out);
		return say_out(STDOUT_FILENO, "standard output", &out, e);
	}
	return run(args, e);
}

/* Another program of ward's takes the words as they came. */
static int run_elsewhere(enum program here, const char *name, char *const *words, struct err *e)
{
	OWN(arena) arena = { .blocks = NULL };
	size_t at = 0;
	const char *path;

	while (at < ARRAY_SIZE(places) && strcmp(places[at].name, name) != 0)
		at++;
	if (at == ARRAY_SIZE(places))
		return dispatch_refuse(name, e);
	/* `ward` alone hands on, so two programs of different builds never hand on to each other for ever. */
	if (here != WARD)
		return err_set(e, ERR_USAGE, "%s has no command '%s'; write `ward %s`", program_names[here], name, name);
	if (beside_find(program_names[places[at].program], &arena, &path, e) < 0)
		return err_add(e, "%s", name);
	execv(path, words);
	return err_sys(e, "%s: execute %s", name, path);
}

/* `ward --version`, `ward --help`, or a command; `words` begins with the program's own name. */
static int choose(const struct dispatch *here, struct args *args, char *const *words, struct err *e)
{
	struct opt_reader reader = { .table = dispatch_options, .n = DISPATCH_OPTIONS, .argv = words + 1 };
	struct opt_hit hit;
	const int given = opt_next(&reader, &hit, e);
	const char *name = words[1 + reader.at];

	if (given < 0)
		return -1;
	if (!given && !name)
		return err_set(e, ERR_USAGE, "no command given; `ward --help` lists them");
	if (given)
		name = hit.opt->id == TOP_VERSION ? "version" : "help";
	else
		reader.at++;
	for (size_t i = 0; i < here->n; i++) {
		const struct dispatch_row *const row = &here->rows[i];

		if (strcmp(row->command->name, name) != 0)
			continue;
		args->command = row->command;
		args->operands = words + 1 + reader.at;
		return given ? row->run(args, e) : run_command(args, row->run, args->operands, e);
	}
	return run_elsewhere(here->program, name, words, e);
}

/* Descriptors 0 to 2 are made to exist, or the first file ward opens would become one of them; for
 * this program alone: the next one is to see as well that they were missing. */
static bool fill_standard(int fd)
{
	if (fcntl(fd, F_GETFD) >= 0 || errno != EBADF)
		return true;
	if (open("/dev/null", (fd == STDIN_FILENO ? O_RDONLY : O_WRONLY) | O_CLOEXEC) != fd)
		_exit(CODE_SETUP);
	return false;
}

int dispatch(const struct dispatch *here, int argc, char **argv)
{
	static char ward[] = "ward";
	static char *const no_words[] = { ward, NULL };
	struct args args = { .own_codes = CODE_STOPPED };
	struct err e = ERR_INIT;
	int code;

	args.has_in = fill_standard(STDIN_FILENO);
	args.has_out = fill_standard(STDOUT_FILENO);
	args.has_err = fill_standard(STDERR_FILENO);
	code = choose(here, &args, argc > 0 ? argv : no_words, &e);
	if (code >= 0)
		return code;
	say(SAY_ERROR, "%s", e.text);
	code = args.command ? args.command->trouble : CODE_SETUP;
	return code == CODE_SETUP ? args.own_codes + CODE_SETUP - CODE_STOPPED : code;
}
