/* `ward why`: why a call, a path or an address is allowed or refused. */
#include <string.h>
#include <unistd.h>

#include "cmd/command.h"
#include "cmd/say.h"
#include "cmd/subject_find.h"
#include "judge/why.h"

enum why_id { WHY_JSON = FOUND_IDS, WHY_PATH, WHY_OP, WHY_HOST, WHY_BIND, WHY_DENIAL };
static const struct opt options[] = {
	FOUND_ROWS,
	{ .name = "path", .kind = OPT_VALUE, .arg = "PATH", .group = "Question", .id = WHY_PATH,
	  .help = "a file or directory, as the program names it" },
	{ .name = "op", .kind = OPT_VALUE, .arg = "r|w|x|list|create", .group = "Question",
	  .words = "r|w|x|list|create", .id = WHY_OP, .help = "what is done with it; default: r" },
	{ .name = "host", .kind = OPT_VALUE, .arg = "HOST:PORT", .group = "Question", .id = WHY_HOST,
	  .help = "an address to connect to" },
	{ .name = "bind", .kind = OPT_VALUE, .arg = "HOST:PORT", .group = "Question", .id = WHY_BIND,
	  .help = "an address to listen on" },
	{ .name = "denial", .kind = OPT_VALUE, .arg = "LINE", .group = "Question", .id = WHY_DENIAL,
	  .help = "a line of ward's own: \"ward: refused: ptrace(...): ENOSYS ...\"" },
	{ .name = "json", .group = "Output", .id = WHY_JSON, .help = "as JSON lines, one object a question" },
	COMMAND_HELP,
};

struct asking {
	const struct args *args;
	struct found found;
	struct regions *store;
	enum why_access access;
	bool is_refused;
	struct str text;
	struct json json;
};

static void answer(struct asking *asking, const struct why *why)
{
	asking->is_refused |= why->is_refused;
	why_text(why, &asking->text);
	why_json(why, &asking->json);
	json_put_line(&asking->json);
}

static int ask_call(struct asking *asking, const char *text, struct err *e)
{
	const struct found *const found = &asking->found;
	OWN(why) why = WHY_NONE;
	struct call_text call;

	if (call_text_read(text, &call, e) < 0 ||
	    why_call(asking->store, &found->subject, found->subject.policy ? &found->fit.rung.filter : NULL, &call,
		     &why, e) < 0)
		return -1;
	answer(asking, &why);
	return 0;
}

/* "ward: refused: getpid(): killed (policy line 8)": the call stands between. */
static int ask_denial(struct asking *asking, const char *line, struct err *e)
{
	static const char mark[] = "refused: ";
	const char *const at = strstr(line, mark);
	const char *const call = at ? at + strlen(mark) : line;
	const char *const end = strstr(call, "):");
	char text[512];

	if (!end || (size_t)(end + 1 - call) >= sizeof(text))
		return err_set(e, ERR_USAGE, "--denial: no call in '%.80s'; a line reads \"ward: refused: CALL(...): "
					     "...\"", line);
	memcpy(text, call, (size_t)(end + 1 - call));
	text[end + 1 - call] = '\0';
	return ask_call(asking, text, e);
}

static int need_plan(const struct asking *asking, const char *option, struct err *e)
{
	if (asking->found.fit.plan)
		return 0;
	return err_set(e, ERR_USAGE, "--%s: %s has filters alone; only a policy says what of files and networks "
				     "is reached", option, asking->found.subject.name);
}

static int ask_hit(struct asking *asking, const struct opt_hit *hit, struct err *e)
{
	const struct found *const found = &asking->found;
	OWN(why) why = WHY_NONE;

	switch (hit->opt->id) {
	case WHY_OP:
		asking->access = why_access_find(hit->value);
		if (asking->access == WHY_ACCESSES)
			return err_set(e, ERR_USAGE, "--op: '%.40s' is none of r, w, x, list, create", hit->value);
		return 0;
	case WHY_DENIAL:
		return ask_denial(asking, hit->value, e);
	case WHY_PATH:
		if (need_plan(asking, "path", e) < 0 ||
		    why_path(found->fit.plan, found->subject.policy, hit->value, asking->access, &why, e) < 0)
			return -1;
		break;
	case WHY_HOST:
	case WHY_BIND:
		if (need_plan(asking, hit->opt->name, e) < 0 ||
		    why_host(asking->store, &found->subject, found->fit.plan, hit->value,
			     hit->opt->id == WHY_BIND, &why, e) < 0)
			return -1;
		break;
	default:
		return 0;
	}
	answer(asking, &why);
	return 0;
}

static int ask_all(struct asking *asking, struct err *e)
{
	const struct args *const args = asking->args;
	const struct opt_hit *const op = args_find(args, WHY_OP);

	/* It counts wherever it stands. */
	if (op && ask_hit(asking, op, e) < 0)
		return -1;
	for (size_t i = 0; i < args->n_hits; i++)
		if (ask_hit(asking, &args->hits[i], e) < 0)
			return -1;
	for (size_t i = 0; i < args->n_operands; i++)
		if (ask_call(asking, args->operands[i], e) < 0)
			return -1;
	if (!asking->text.len)
		return err_set(e, ERR_USAGE, "no question: give a call such as 'socket(AF_ALG, 5, 0)', --path or --host");
	return 0;
}

static void asking_done(struct asking *asking)
{
	json_done(&asking->json);
	str_done(&asking->text);
	regions_free(asking->store);
	found_done(&asking->found);
}

int command_why_run(struct args *args, struct err *e)
{
	OWN(asking) asking = { .args = args, .found = FOUND_NONE, .access = WHY_READ };
	const bool as_json = args_has(args, WHY_JSON);

	asking.store = regions_new(REGIONS_NODES);
	if (subject_find(args, NULL, &asking.found, e) < 0)
		return -1;
	if (ask_all(&asking, e) < 0) {
		if (e->kind != ERR_LIMIT)
			return -1;
		say(SAY_ERROR, "%s", e->text);
		return CODE_INCOMPLETE;
	}
	if (say_out(STDOUT_FILENO, "standard output", as_json ? &asking.json.out : &asking.text, e) < 0)
		return -1;
	if (found_tell_missing(&asking.found))
		return CODE_INCOMPLETE;
	return asking.is_refused ? CODE_FINDINGS : 0;
}

const struct command command_why = {
	.name = "why",
	.summary = "show why a call, a path or an address is allowed or refused, and by which layer",
	.usage = "[option]... [CALL]...",
	.about = "A call is written as in C, with names or numbers: 'socket(AF_ALG, 5, 0)', 'ioctl(_, TIOCSTI)'. "
		 "Arguments left out or written '_' are free. Exit code: 0 all of it is allowed, 1 something is "
		 "refused, 2 usage or unreadable input, 3 the filter could not be judged completely.",
	.options = options,
	.trouble = CODE_USAGE,
};
