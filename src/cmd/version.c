/* `ward version`: what this build is and has. */
#include <unistd.h>

#include "base/json.h"
#include "boundary/boundary.h"
#include "cmd/command.h"
#include "cmd/say.h"
#include "model/policy.h"

#ifndef WARD_VERSION
#define WARD_VERSION "0.0.0-unnamed" /* meson.build defines it */
#endif

enum { VERSION_JSON };
static const struct opt options[] = {
	{ .name = "json", .help = "as one JSON object", .group = "Output", .id = VERSION_JSON },
	COMMAND_HELP,
};

static void write_json(struct str *out)
{
	OWN(json) json = JSON_NONE;

	json_put_object(&json, NULL);
	json_put_text(&json, "schema", "ward.version.1");
	json_put_text(&json, "version", WARD_VERSION);
	json_put_text(&json, "compiler", __VERSION__);
	json_put_array(&json, "boundaries");
	for (size_t i = 0; boundary_at(i); i++)
		json_put_text(&json, NULL, boundary_at(i)->name);
	json_put_end(&json);
	json_put_array(&json, "policies");
	for (size_t i = 0; policy_builtin_at(i); i++)
		json_put_text(&json, NULL, policy_builtin_at(i));
	json_put_end(&json);
	json_put_end(&json);
	json_put_line(&json);
	str_add(out, json_written(&json));
}

static void write_text(struct str *out)
{
	str_add(out, "ward " WARD_VERSION "\nboundaries:");
	for (size_t i = 0; boundary_at(i); i++)
		str_addf(out, " %s", boundary_at(i)->name);
	str_add(out, "\npolicies:");
	for (size_t i = 0; policy_builtin_at(i); i++)
		str_addf(out, " %s", policy_builtin_at(i));
	str_add(out, "\n");
}

int command_version_run(struct args *args, struct err *e)
{
	OWN(str) out = STR_NONE;

	if (args_has(args, VERSION_JSON))
		write_json(&out);
	else
		write_text(&out);
	return say_out(STDOUT_FILENO, "standard output", &out, e);
}

const struct command command_version = {
	.name = "version",
	.summary = "show the version, the boundaries and the policies of this build",
	.usage = "[--json]",
	.options = options,
	.trouble = CODE_USAGE,
};
