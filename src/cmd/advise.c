/* `ward advise`: which boundary a threat model deserves, with reasons. Runs nothing. */
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"
#include "boundary/boundary.h"
#include "cmd/ask.h"
#include "cmd/bench_file.h"
#include "cmd/command.h"
#include "cmd/environment.h"
#include "cmd/fit.h"
#include "cmd/host.h"
#include "cmd/policy_find.h"
#include "cmd/say.h"
#include "judge/advise.h"

enum advise_id {
	ADVISE_THREAT, ADVISE_ASK, ADVISE_SAVE, ADVISE_POLICY, ADVISE_BOUNDARY, ADVISE_BENCH, ADVISE_JSON,
	ADVISE_DOC, ADVISE_QUIET
};
static const struct opt options[] = {
	{ .name = "threat", .letter = 't', .kind = OPT_VALUE, .arg = "FILE|-", .group = "Threat model",
	  .words = OPT_PATHS, .id = ADVISE_THREAT, .help = "the threat model; see ward-threat(5)" },
	{ .name = "ask", .group = "Threat model", .id = ADVISE_ASK,
	  .help = "ask for it instead, question by question; answers are read from standard input" },
	{ .name = "save", .kind = OPT_VALUE, .arg = "FILE", .group = "Threat model", .words = OPT_PATHS,
	  .id = ADVISE_SAVE, .help = "write the model that was asked for to a new file" },
	{ .name = "boundary", .letter = 'b', .kind = OPT_VALUE, .arg = "NAME", .group = "Proposal",
	  .words = "process|container|gvisor|microvm|wasm|js", .id = ADVISE_BOUNDARY,
	  .help = "would this one do?" },
	{ .name = "policy", .letter = 'p', .kind = OPT_VALUE, .arg = "NAME|FILE", .group = "Proposal",
	  .words = OPT_PATHS, .id = ADVISE_POLICY,
	  .help = "would this policy, and the boundary it names, do? --doc then lists what it lets cross" },
	{ .name = "bench", .kind = OPT_VALUE, .arg = "FILE|none", .group = "Figures", .words = OPT_PATHS,
	  .id = ADVISE_BENCH,
	  .help = "what `ward bench` measured; default: where it leaves its file. none: published figures only" },
	{ .name = "json", .group = "Output", .id = ADVISE_JSON, .help = "as one JSON object" },
	{ .name = "doc", .group = "Output", .id = ADVISE_DOC,
	  .help = "a threat model in Markdown: assets, attackers, the boundary, a threat for every layer, what remains" },
	{ .name = "quiet", .letter = 'q', .group = "Output", .id = ADVISE_QUIET, .help = "the exit code alone" },
	COMMAND_HELP,
};

struct advising {
	struct threat threat;
	struct figures figures;
	struct policy policy;
	struct host host;
	struct advise_case of;
	struct advice advice;
	struct arena arena;
};

static void advising_done(struct advising *self)
{
	threat_done(&self->threat);
	figures_done(&self->figures);
	policy_done(&self->policy);
	arena_done(&self->arena);
}

static const char *value_of(const struct args *args, int id)
{
	const struct opt_hit *const hit = args_find(args, id);

	return hit ? hit->value : NULL;
}

static int save_threat(const struct threat *threat, const char *path, struct err *e)
{
	OWN(str) text = STR_NONE;
	OWN_FD int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0644);

	if (fd < 0)
		return err_sys(e, "%.200s", path);
	threat_write(threat, &text);
	return say_out(fd, path, &text, e);
}

static int get_threat(struct advising *self, const struct args *args, struct err *e)
{
	const char *const file = value_of(args, ADVISE_THREAT), *const save = value_of(args, ADVISE_SAVE);
	const char *const path = file || !args->n_operands ? file : args->operands[0];
	const bool asks = args_has(args, ADVISE_ASK);
	OWN_MEM char *text = NULL;
	size_t len;

	if (args->n_operands > 1 && *args->operands[1] == '-')
		return err_set(e, ERR_USAGE, "'%.40s' stands behind the threat model; options come before it",
			       args->operands[1]);
	if (args->n_operands > (file ? 0 : 1) || asks == (path != NULL))
		return err_set(e, ERR_USAGE, "name one threat model, or use --ask; ward-threat(5) tells how to write one");
	if (save && !asks)
		return err_set(e, ERR_USAGE, "--save is for what --ask was told");
	if (asks)
		return ask_threat(&self->threat, e) < 0 || (save && save_threat(&self->threat, save, e) < 0) ? -1 : 0;
	if (policy_find_bytes(path, (size_t)1 << 20, &text, &len, e) < 0)
		return err_add(e, "threat model");
	return threat_read(strcmp(path, "-") == 0 ? "standard input" : path, text, len, &self->threat, e);
}

/* What stands where `ward bench` leaves it helps; it is not a reason to fail. What was named has to be there. */
static int get_figures(struct advising *self, const struct args *args, struct err *e)
{
	const char *const named = value_of(args, ADVISE_BENCH), *const here = bench_host(&self->arena);
	const char *const path = named ? named : bench_path(&self->arena);
	struct err why = ERR_INIT;

	if (!path || strcmp(path, "none") == 0 || (!named && access(path, F_OK) < 0))
		return 0;
	if (bench_read(path, &self->figures, &why) < 0) {
		if (named) {
			*e = why;
			return -1;
		}
		say(SAY_NOTE, "%s; not used", why.text);
		return 0;
	}
	if (strcmp(self->figures.host, here) != 0) {
		say(SAY_NOTE, "%.100s was measured on another host or kernel (%.80s)%s", path, self->figures.host,
		    named ? "" : "; not used: run `ward bench` again");
		if (!named)
			return 0;
	}
	self->of.figures = &self->figures;
	return 0;
}

static const char *why_missing(struct advising *self, int boundary)
{
	const char *const name = strength_of(boundary)->name;
	const struct boundary *const found = boundary_find(name);
	const bool lacks_kvm = boundary == BOUNDARY_MICROVM && threat_has(&self->threat, WORD_KVM_AUTO) &&
			       access("/dev/kvm", R_OK | W_OK) < 0;
	struct err why = ERR_INIT;

	if (!found)
		return arena_printf(&self->arena, "this build has no boundary '%s'%s", name,
				    lacks_kvm ? ", and /dev/kvm cannot be opened here" : "");
	if (lacks_kvm)
		return "/dev/kvm cannot be opened: load the kvm module, or join the group that owns it";
	if (found->probe(&self->host, &why) < 0)
		return arena_copy(&self->arena, why.text, strlen(why.text));
	return NULL;
}

static int look_at_host(struct advising *self, struct err *e)
{
	const char *socket;

	if (host_look(NULL, &self->host, &socket, e) < 0)
		return -1;
	host_find_engine(&self->host);
	host_find_runsc(&self->host);
	for (int i = 0; i < STRENGTH_BOUNDARIES; i++)
		self->of.missing[i] = why_missing(self, i);
	return 0;
}

/* The layers a box of the policy would have here; 0 when none can be planned, which `ward check` explains. */
static uint64_t layers_of(struct advising *self)
{
	static const char *const any[] = { "true", NULL };
	const struct payload payload = {
		.argv = any, .envp = environment_make(&self->policy, environ, false, &self->arena),
	};
	OWN(fit) fit = FIT_NONE;
	struct err why = ERR_INIT;

	if (fit_make(&self->policy, &payload, &self->host, &fit, &why) < 0)
		return 0;
	return plan_layers(fit.plan);
}

static int get_proposal(struct advising *self, const struct args *args, struct err *e)
{
	const char *const policy = value_of(args, ADVISE_POLICY), *const name = value_of(args, ADVISE_BOUNDARY);

	self->of.proposed = name ? strength_find(name) : -1;
	if (name && self->of.proposed < 0)
		return err_set(e, ERR_USAGE, "no boundary is called '%.40s'; there are process, container, gvisor, "
			       "microvm, wasm and js", name);
	if (!policy)
		return 0;
	if (policy_find(policy, &self->policy, &self->of.policy_name, e) < 0)
		return -1;
	self->of.policy = &self->policy;
	self->of.layers = layers_of(self);
	if (!name && policy_n(&self->policy, KEY_BOUNDARY) < BOUNDARY_AUTO)
		self->of.proposed = (int)policy_n(&self->policy, KEY_BOUNDARY);
	return 0;
}

static int show(const struct advising *self, const struct args *args, struct err *e)
{
	OWN(str) out = STR_NONE;

	if (args_has(args, ADVISE_QUIET))
		return 0;
	if (args_has(args, ADVISE_JSON))
		advise_json(&self->advice, &out);
	else if (args_has(args, ADVISE_DOC))
		advise_doc(&self->advice, &out);
	else
		advise_text(&self->advice, &out);
	return say_out(STDOUT_FILENO, "standard output", &out, e);
}

static int make(struct advising *self, const struct args *args, struct err *e)
{
	self->of.threat = &self->threat;
	if (args_has(args, ADVISE_JSON) && args_has(args, ADVISE_DOC))
		return err_set(e, ERR_USAGE, "--json and --doc are two ways of output; choose one");
	if (get_threat(self, args, e) < 0 || get_figures(self, args, e) < 0 || look_at_host(self, e) < 0 ||
	    get_proposal(self, args, e) < 0)
		return -1;
	advise(&self->of, &self->advice);
	if (show(self, args, e) < 0)
		return -1;
	return advise_is_met(&self->advice) ? 0 : CODE_FINDINGS;
}

int command_advise_run(struct args *args, struct err *e)
{
	struct advising self = { .policy = POLICY_NONE };
	const int code = make(&self, args, e);

	advising_done(&self);
	return code;
}

const struct command command_advise = {
	.name = "advise",
	.summary = "choose a boundary from a written threat model",
	.usage = "[option]... [threat-model]",
	.about = "Says what the attacker can bring, what a boundary must then hold, and which is the cheapest that "
		 "does; compares all six, and names what belongs around it and what remains. It never advises less "
		 "because less is here. The exit code is 0 when the advised boundary (or the proposed one) contains "
		 "the attacker and can be used here, 1 when it does not, cannot, or the policy falls short, 2 when "
		 "something cannot be read.",
	.options = options,
	.trouble = CODE_USAGE,
};
