/* `ward completion`: scripts for three shells, from the rows the commands themselves read. */
#include <string.h>
#include <unistd.h>

#include "cmd/commands.h"
#include "cmd/compose.h"
#include "cmd/manual.h"
#include "cmd/say.h"
#include "model/policy.h"

static const struct opt options[] = { COMMAND_HELP };

#define ZSH "[]:"

static bool takes_files(const struct opt *opt)
{
	return opt->words && strcmp(opt->words, OPT_PATHS) == 0;
}

/* What can follow the option, apart from files; separated by spaces. */
static void add_words(const struct opt *opt, struct str *out)
{
	const char *words = opt->words;
	const size_t start = out->len;

	if (opt->id == COMPOSE_POLICY)
		for (size_t i = 0; policy_builtin_at(i); i++)
			str_addf(out, "%s ", policy_builtin_at(i));
	if (opt->id == COMPOSE_REQUIRE)
		for (size_t i = 0; i < LAYERS; i++)
			str_addf(out, "%s ", layer_name((enum layer)i));
	if (opt->id == COMPOSE_SET)
		for (size_t i = 0; i < KEYS; i++)
			str_addf(out, "%s= ", policy_key_row((enum policy_key)i)->path);
	if (takes_files(opt) || !opt->words)
		words = "";
	for (const char *p = words; *p; p += *p == '|') {
		const size_t len = strcspn(p, "|");

		str_addf(out, "%.*s ", (int)len, p);
		p += len;
	}
	if (out->len > start)
		out->at[--out->len] = '\0';
}

/* For the inside of single quotes; `escaped` are bytes that mean something to zsh's _arguments. */
static void add_quoted(const char *text, const char *escaped, struct str *out)
{
	for (const char *p = text; *p; p++)
		if (*p == '\'')
			str_add(out, "'\\''");
		else
			str_addf(out, "%s%c", strchr(escaped, *p) ? "\\" : "", *p);
}

static void add_command_names(struct str *out)
{
	for (size_t i = 0; command_at(i); i++)
		str_addf(out, "%s%s", i ? " " : "", command_at(i)->name);
}

/* Words that follow the command itself. */
static const char *operand_words(const struct command *command)
{
	return command == &command_completion ? "bash zsh fish" : NULL;
}

static void bash_option(const struct opt *opt, struct str *out)
{
	if (!opt->name || opt->kind == OPT_FLAG)
		return;
	str_addf(out, "\t\t--%s", opt->name);
	if (opt->letter)
		str_addf(out, "|-%c", opt->letter);
	str_add(out, ") COMPREPLY=($(compgen -W '");
	add_words(opt, out);
	str_addf(out, "' -- \"$cur\")%s); return ;;\n",
		 takes_files(opt) ? " $(compgen -f -- \"$cur\")" : "");
}

static void bash_command(const struct command *command, struct str *out)
{
	const size_t n = command_count_options(command);
	OWN(str) words = STR_NONE;

	str_addf(out, "\t%s)\n\t\tcase $prev in\n", command->name);
	for (size_t i = 0; i < n; i++)
		bash_option(&command->options[i], out);
	opt_words(command->options, n, &words);
	str_addf(out, "\t\tesac\n\t\tif [[ $cur == -* ]]; then\n"
		      "\t\t\tCOMPREPLY=($(compgen -W '%s' -- \"$cur\"))\n", str_text(&words));
	if (operand_words(command))
		str_addf(out, "\t\telse COMPREPLY=($(compgen -W '%s' -- \"$cur\"))\n",
			 operand_words(command));
	else if (command == &command_run)
		str_add(out, "\t\telse COMPREPLY=($(compgen -c -- \"$cur\"))\n");
	str_add(out, "\t\tfi ;;\n");
}

/* "--net=no" arrives as three words, as '=' is in COMP_WORDBREAKS. */
static void write_bash(struct str *out)
{
	str_add(out, "# bash completion for ward: source this, or store it as\n"
		     "# /usr/share/bash-completion/completions/ward\n"
		     "_ward() {\n"
		     "\tlocal cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD-1]}\n"
		     "\tCOMPREPLY=()\n"
		     "\tif [[ $prev == = ]]; then prev=${COMP_WORDS[COMP_CWORD-2]}; fi\n"
		     "\tif [[ $cur == = ]]; then cur=; fi\n"
		     "\tif ((COMP_CWORD == 1)); then COMPREPLY=($(compgen -W '");
	add_command_names(out);
	str_add(out, " --help --version' -- \"$cur\")); return; fi\n\tcase ${COMP_WORDS[1]} in\n");
	for (size_t i = 0; command_at(i); i++)
		bash_command(command_at(i), out);
	str_add(out, "\tesac\n}\ncomplete -o default -F _ward ward\n");
}

/* ":message:action" of _arguments. */
static void zsh_argument(const struct opt *opt, struct str *out)
{
	OWN(str) words = STR_NONE;

	add_words(opt, &words);
	str_add(out, opt->kind == OPT_MAYBE ? "::" : ":");
	add_quoted(opt->arg, ZSH, out);
	if (!takes_files(opt))
		str_addf(out, ":(%s)", str_text(&words));
	else if (words.len)
		str_addf(out, ":{_alternative \"words\\:word\\:(%s)\" \"files\\:file\\:_files\"}",
			 str_text(&words));
	else
		str_add(out, ":_files");
}

static void zsh_option(const struct opt *opt, struct str *out)
{
	const char *const plus = opt->kind == OPT_VALUE ? "+" : "";
	static const char *const forms[] = {
		[OPT_FLAG] = "", [OPT_VALUE] = "=", [OPT_MAYBE] = "=-",
	};
	const char *const equals = forms[opt->kind];

	if (!opt->name)
		return;
	if (opt->letter)
		str_addf(out, " \\\n\t\t'(-%c --%s)'{-%c%s,--%s%s}'[", opt->letter, opt->name,
			 opt->letter, plus, opt->name, equals);
	else
		str_addf(out, " \\\n\t\t'*--%s%s[", opt->name, equals);
	add_quoted(opt->help, ZSH, out);
	str_add(out, "]");
	if (opt->kind != OPT_FLAG)
		zsh_argument(opt, out);
	str_add(out, "'");
}

static void write_zsh(struct str *out)
{
	str_add(out, "#compdef ward\n_ward() {\n\tlocal -a commands=(");
	for (size_t i = 0; command_at(i); i++) {
		str_addf(out, "\n\t\t'%s:", command_at(i)->name);
		add_quoted(command_at(i)->summary, ZSH, out);
		str_add(out, "'");
	}
	str_add(out, ")\n"
		     "\tif ((CURRENT == 2)); then _describe command commands; return; fi\n"
		     "\tlocal command=$words[2]\n"
		     "\tshift words; ((CURRENT--))\n"
		     "\tcase $command in\n");
	for (size_t i = 0; command_at(i); i++) {
		const struct command *const command = command_at(i);

		str_addf(out, "\t%s) _arguments -s -S", command->name);
		for (size_t j = 0; j < command_count_options(command); j++)
			zsh_option(&command->options[j], out);
		if (operand_words(command))
			str_addf(out, " \\\n\t\t'1:shell:(%s)' ;;\n", operand_words(command));
		else
			str_add(out, " \\\n\t\t'*::program:_normal' ;;\n");
	}
	str_add(out, "\tesac\n}\n_ward \"$@\"\n");
}

static void fish_option(const struct command *command, const struct opt *opt, struct str *out)
{
	if (!opt->name)
		return;
	str_addf(out, "complete -c ward -n '__fish_seen_subcommand_from %s' -l %s", command->name,
		 opt->name);
	if (opt->letter)
		str_addf(out, " -s %c", opt->letter);
	if (opt->kind == OPT_VALUE)
		str_add(out, takes_files(opt) ? " -r -F" : " -x");
	if (opt->kind != OPT_FLAG) {
		str_add(out, " -a '");
		add_words(opt, out);
		str_add(out, "'");
	}
	str_add(out, " -d '");
	add_quoted(opt->help, "", out);
	str_add(out, "'\n");
}

static void write_fish(struct str *out)
{
	for (size_t i = 0; command_at(i); i++) {
		str_addf(out, "complete -c ward -f -n __fish_use_subcommand -a %s -d '",
			 command_at(i)->name);
		add_quoted(command_at(i)->summary, "", out);
		str_add(out, "'\n");
	}
	for (size_t i = 0; command_at(i); i++) {
		const struct command *const command = command_at(i);

		for (size_t j = 0; j < command_count_options(command); j++)
			fish_option(command, &command->options[j], out);
		if (operand_words(command))
			str_addf(out, "complete -c ward -f -n '__fish_seen_subcommand_from %s' "
				      "-a '%s'\n", command->name, operand_words(command));
	}
}

static int refuse_shell(const char *name, struct err *e)
{
	return err_set(e, ERR_USAGE, "no completion for '%.40s'; write bash, zsh or fish", name);
}

/* `man TABLE` is for tools/manpages.py and stands in no help. */
int command_completion_run(struct args *args, struct err *e)
{
	static const struct {
		const char *name;
		void (*write)(struct str *out);
	} shells[] = { { "bash", write_bash }, { "zsh", write_zsh }, { "fish", write_fish } };
	OWN(str) out = STR_NONE;

	if (args->n_operands == 2 && strcmp(args->operands[0], "man") == 0) {
		if (manual_write(args->operands[1], &out, e) < 0)
			return -1;
		return say_out(STDOUT_FILENO, "standard output", &out, e);
	}
	if (args->n_operands != 1)
		return err_set(e, ERR_USAGE, "completion wants one shell: bash, zsh or fish");
	for (size_t i = 0; i < ARRAY_SIZE(shells); i++)
		if (strcmp(args->operands[0], shells[i].name) == 0) {
			shells[i].write(&out);
			return say_out(STDOUT_FILENO, "standard output", &out, e);
		}
	return refuse_shell(args->operands[0], e);
}

const struct command command_completion = {
	.name = "completion",
	.summary = "print a completion script for a shell",
	.usage = "bash|zsh|fish",
	.about = "For bash: `source <(ward completion bash)`.",
	.options = options,
	.trouble = CODE_USAGE,
};
