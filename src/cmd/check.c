/* `ward check`: would this host run this policy? All of a run but the box; it changes nothing. */
#include <string.h>
#include <unistd.h>

#include "base/json.h"
#include "cmd/command.h"
#include "cmd/compose.h"
#include "cmd/environment.h"
#include "cmd/fit.h"
#include "cmd/host.h"
#include "cmd/openings.h"
#include "cmd/say.h"
#include "model/policy_explain.h"

#define FINDINGS 64

enum check_id { CHECK_JSON = COMPOSE_IDS, CHECK_EXPLAIN, CHECK_QUIET, CHECK_MONITOR };
static const struct opt options[] = {
	COMPOSE_ROW_POLICY,
	COMPOSE_ROW_BOUNDARY,
	COMPOSE_ROW_THREAT,
	COMPOSE_ROW_SET,
	COMPOSE_ROW_WIDEN,
	COMPOSE_ROW_REQUIRE,
	COMPOSE_ROW_BEST_EFFORT,
	{ .name = "monitor", .kind = OPT_VALUE, .arg = "SOCKET|none", .group = "Policy",
	  .words = OPT_PATHS, .id = CHECK_MONITOR, .help = "as for `ward run`" },
	{ .name = "explain", .group = "Output", .id = CHECK_EXPLAIN,
	  .help = "print every setting and where it came from" },
	{ .name = "json", .group = "Output", .id = CHECK_JSON, .help = "as one JSON object" },
	{ .name = "quiet", .letter = 'q', .group = "Output", .id = CHECK_QUIET,
	  .help = "the exit code alone" },
	COMMAND_HELP,
};

struct checking {
	struct policy policy;
	const char *source;
	struct host host;
	struct fit fit;
	struct arena arena;
	const char *findings[FINDINGS];
	size_t n_findings, n_more;
};

static void checking_done(struct checking *check)
{
	arena_done(&check->arena);
	fit_done(&check->fit);
	policy_done(&check->policy);
}

static void find(struct checking *check, const struct err *why)
{
	if (check->n_findings == FINDINGS)
		check->n_more++;
	else
		check->findings[check->n_findings++] = arena_copy(&check->arena, why->text,
								  strlen(why->text));
}

static void look(struct checking *check, const struct args *args)
{
	static const char *const any[] = { "true", NULL };
	const struct payload payload = {
		.argv = args->n_operands ? (const char *const *)args->operands : any,
		.envp = environment_make(&check->policy, environ, false, &check->arena),
		.pty = policy_n(&check->policy, KEY_TERMINAL) == TERMINAL_PTY,
	};
	struct fit *const fit = &check->fit;
	struct err why = ERR_INIT;

	if (fit_make(&check->policy, &payload, &check->host, fit, &why) < 0) {
		find(check, &why);
		return;
	}
	for (size_t i = 0; i < fit->rung.n_open; i++) {
		const int fd = openings_open_path(fit->rung.policy, &fit->rung.open[i], &why);

		if (fd < 0)
			find(check, &why);
		else
			close(fd);
	}
}

static void write_layers(uint64_t layers, struct str *out)
{
	str_add(out, "layers:");
	for (; layers; layers &= layers - 1)
		str_addf(out, " %s", layer_name((enum layer)__builtin_ctzll(layers)));
	str_add(out, "\n");
}

static void write_text(const struct checking *check, struct str *out)
{
	const struct fit *const fit = &check->fit;

	str_addf(out, "policy %s %s", check->source,
		 check->n_findings ? "does not fit this host" : "fits this host");
	str_addf(out, fit->boundary ? ", boundary %s\n" : "\n",
		 fit->boundary ? fit->boundary->name : "");
	for (size_t i = 0; i < check->n_findings; i++)
		str_addf(out, "problem: %s\n", check->findings[i]);
	if (check->n_more)
		str_addf(out, "problem: and %zu more\n", check->n_more);
	if (*fit->why)
		str_addf(out, "note: boundary auto: %s\n", fit->why);
	if (fit->fell.kind != ERR_NONE)
		str_addf(out, "note: the policy's own boundary is refused: %s\n", fit->fell.text);
	for (uint32_t notes = fit->rung.notes; notes; notes &= notes - 1)
		str_addf(out, "note: %s\n", note_text((enum note)(notes & -notes)));
	if (fit->plan)
		write_layers(plan_layers(fit->plan), out);
}

static void write_list(struct json *json, const struct checking *check)
{
	json_put_array(json, "findings");
	for (size_t i = 0; i < check->n_findings; i++)
		json_put_text(json, NULL, check->findings[i]);
	json_put_end(json);
	json_put_u64(json, "findings_more", check->n_more);
	json_put_array(json, "notes");
	for (uint32_t notes = check->fit.rung.notes; notes; notes &= notes - 1)
		json_put_text(json, NULL, note_text((enum note)(notes & -notes)));
	json_put_end(json);
	json_put_array(json, "layers");
	for (uint64_t layers = check->fit.plan ? plan_layers(check->fit.plan) : 0; layers;
	     layers &= layers - 1)
		json_put_text(json, NULL, layer_name((enum layer)__builtin_ctzll(layers)));
	json_put_end(json);
}

static void write_json(const struct checking *check, bool explain, struct str *out)
{
	const struct fit *const fit = &check->fit;
	OWN(json) json = JSON_NONE;

	json_put_object(&json, NULL);
	json_put_text(&json, "schema", "ward.check.1");
	json_put_text(&json, "source", check->source);
	json_put_bool(&json, "fits", !check->n_findings);
	json_put_text(&json, "boundary", fit->boundary ? fit->boundary->name : NULL);
	json_put_text(&json, "boundary_why", *fit->why ? fit->why : NULL);
	json_put_text(&json, "fell", fit->fell.kind != ERR_NONE ? fit->fell.text : NULL);
	write_list(&json, check);
	json_put_end(&json);
	json_put_line(&json);
	if (explain)
		policy_explain_json(&check->policy, &json);
	str_add_bytes(out, json.out.at, json.out.len);
}

static void write_report(const struct checking *check, const struct args *args, struct str *out)
{
	const bool explain = args_has(args, CHECK_EXPLAIN);

	if (args_has(args, CHECK_QUIET))
		return;
	if (args_has(args, CHECK_JSON)) {
		write_json(check, explain, out);
		return;
	}
	if (explain)
		policy_explain(&check->policy, out);
	write_text(check, out);
}

static int check(struct checking *check, const struct args *args, struct err *e)
{
	const struct opt_hit *const monitor = args_find(args, CHECK_MONITOR);
	OWN(str) out = STR_NONE;
	const char *socket;

	if (compose_policy(args, &check->policy, &check->source, e) < 0 ||
	    host_look(monitor ? monitor->value : NULL, &check->host, &socket, e) < 0)
		return -1;
	look(check, args);
	write_report(check, args, &out);
	if (say_out(STDOUT_FILENO, "standard output", &out, e) < 0)
		return -1;
	return check->n_findings ? CODE_FINDINGS : 0;
}

int command_check_run(struct args *args, struct err *e)
{
	struct checking state = { .policy = POLICY_NONE };
	const int code = check(&state, args, e);

	checking_done(&state);
	return code;
}

const struct command command_check = {
	.name = "check",
	.summary = "tell whether this host can run a policy, without running anything",
	.usage = "[option]... [--] [program [argument]...]",
	.about = "Reads the policy, plans a run and opens what it grants. The exit code is 0 when "
		 "that works, 1 when this host lacks something (cause and fix are printed), 2 when "
		 "the "
		 "policy cannot be read.",
	.options = options,
	.trouble = CODE_USAGE,
};
