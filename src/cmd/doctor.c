/* `ward doctor`: what this host can enforce, tried for real, with cause and fix of each gap. It
 * repairs nothing and leaves nothing behind. */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/json.h"
#include "boundary/boundary.h"
#include "cmd/command.h"
#include "cmd/host.h"
#include "cmd/say.h"
#include "mech/probe.h"
#include "model/layer.h"

#define ITEMS         128
#define COLUMN_WORKS  24
#define COLUMN_DETAIL 5 /* after that */

enum doctor_id { DOCTOR_JSON };
static const struct opt options[] = {
    {.name = "json", .group = "Output", .id = DOCTOR_JSON, .help = "as one JSON object"},
    COMMAND_HELP,
};

struct diagnosis {
	struct probe_item items[ITEMS];
	size_t n_items;
	struct host host;
	struct err monitor; /* why none answers; empty when one does */
};

/* What has to work for a layer to hold; the cgroup ones may also be had from a monitor. */
static const struct {
	const char *item;
	bool from_monitor;
} layer_needs[LAYERS] = {
    [LAYER_USERNS] = {.item = "user namespace"},
    [LAYER_MOUNTNS] = {.item = "mount namespace"},
    [LAYER_PIDNS] = {.item = "pid namespace"},
    [LAYER_NETNS] = {.item = "network namespace"},
    [LAYER_IPCNS] = {.item = "ipc namespace"},
    [LAYER_UTSNS] = {.item = "uts namespace"},
    [LAYER_CGROUPNS] = {.item = "cgroup namespace"},
    [LAYER_TIMENS] = {.item = "time namespace"},
    [LAYER_ROOTFS] = {.item = "root of its own"},
    [LAYER_PROC] = {.item = "proc of its own"},
    [LAYER_CAPS] = {.item = "capabilities dropped"},
    [LAYER_NNP] = {.item = "no_new_privs"},
    [LAYER_IDENTITY] = {.item = "user namespace"},
    [LAYER_NESTED] = {.item = "no nested namespaces"},
    [LAYER_FLOOR] = {.item = "seccomp filter"},
    [LAYER_SECCOMP] = {.item = "seccomp filter"},
    [LAYER_LANDLOCK] = {.item = "landlock files"},
    [LAYER_RLIMITS] = {.item = "rlimits"},
    [LAYER_CG_MEMORY] = {"cgroup memory", true},
    [LAYER_CG_SWAP] = {"cgroup swap", true},
    [LAYER_CG_PIDS] = {"cgroup pids", true},
    [LAYER_CG_CPU] = {"cgroup cpu", true},
    [LAYER_CG_IO] = {"cgroup io", true},
    [LAYER_FDS] = {.item = "close_range"},
    [LAYER_SESSION] = {.item = "session and keyring"},
    [LAYER_DUMP] = {.item = "no core dumps"},
    [LAYER_MDWE] = {.item = "mdwe"},
    [LAYER_TSC] = {.item = "no cycle counter"},
    [LAYER_SPEC] = {.item = "speculation: branches"},
    [LAYER_CORE_SCHED] = {.item = "core scheduling"},
};

static int item_works(const struct diagnosis *found, const char *name)
{
	for (size_t i = 0; i < found->n_items; i++)
		if (strcmp(found->items[i].name, name) == 0)
			return found->items[i].works;
	return -1;
}

static int layer_works(const struct diagnosis *found, enum layer layer)
{
	const int works = item_works(found, layer_needs[layer].item);

	return works != 1 && layer_needs[layer].from_monitor && found->host.monitor ? 1 : works;
}

/* Planning knows the facts, the tries know whether they are true. */
static bool boundary_works(const struct diagnosis *found, const struct boundary *boundary,
			   struct err *why)
{
	if (boundary->probe(&found->host, why) < 0)
		return false;
	for (size_t i = 0; i < found->n_items; i++) {
		const struct probe_item *item = &found->items[i];
		const bool is_needed =
		    boundary->has_mounts ? item->container : item->process;

		if (is_needed && item->works != 1) {
			err_set(why, ERR_UNSUPPORTED, "%s: %s", item->name, item->detail);
			return false;
		}
	}
	return true;
}

static void diagnose(struct diagnosis *out)
{
	const char *socket;

	out->n_items = probe_try(out->items, ITEMS);
	/* Without a monitor the facts are there all the same, and `monitor` has the cause. */
	(void)!host_look(HOST_MONITOR_SOCKET, &out->host, &socket, &out->monitor);
	host_find_engine(&out->host);
	host_find_runsc(&out->host);
}

/* ---- for people ---- */

static const char *word(int works)
{
	return works == 1 ? "yes" : works == 0 ? "no" : "?";
}

static void write_row(struct str *out, bool colour, const char *name, int works, const char *detail)
{
	const char *paint = works == 1 ? "\033[32m" : works == 0 ? "\033[31m" : "\033[33m";

	str_addf(out, "  %-*s %s%s%s", COLUMN_WORKS, name, colour ? paint : "", word(works),
		 colour ? "\033[0m" : "");
	str_addf(out, "%*s%s\n", *detail ? COLUMN_DETAIL - (int)strlen(word(works)) : 0, "",
		 detail);
}

static void write_items(const struct diagnosis *found, bool colour, struct str *out)
{
	str_addf(out, "Linux %u.%u.%u, uid %u\n\nPrimitives, each tried in a child\n",
		 found->host.kernel >> 16, found->host.kernel >> 8 & 255, found->host.kernel & 255,
		 found->host.uid);
	for (size_t i = 0; i < found->n_items; i++) {
		const struct probe_item *item = &found->items[i];

		write_row(out, colour, item->name, item->works, item->detail);
		if (*item->fix)
			str_addf(out, "  %*s fix: %s\n", COLUMN_WORKS + COLUMN_DETAIL, "",
				 item->fix);
	}
}

static void write_text(const struct diagnosis *found, bool colour, struct str *out)
{
	struct err why;

	write_items(found, colour, out);
	str_add(out, "\nBoundaries\n");
	for (size_t i = 0; boundary_at(i); i++) {
		const bool works = boundary_works(found, boundary_at(i), &why);

		write_row(out, colour, boundary_at(i)->name, works,
			  works ? boundary_at(i)->summary : why.text);
	}
	if (layer_works(found, LAYER_CG_MEMORY) != 1 || layer_works(found, LAYER_CG_PIDS) != 1)
		str_add(out, "  without cgroups limits hold for each process only, where a policy "
			     "allows that\n");
	str_add(out, "\nLayers, as --require and `require:` name them\n");
	for (enum layer layer = 0; layer < LAYERS; layer++)
		write_row(out, colour, layer_name(layer), layer_works(found, layer),
			  layer_holds(layer));
	str_add(out, "\nMonitor\n");
	write_row(out, colour, HOST_MONITOR_SOCKET, found->host.monitor,
		  found->host.monitor ? "answers" : found->monitor.text);
}

/* ---- for programs ---- */

static void put_works(struct json *json, int works)
{
	if (works < 0)
		json_put_null(json, "works");
	else
		json_put_bool(json, "works", works);
}

static void put_items(struct json *json, const struct diagnosis *found)
{
	json_put_array(json, "primitives");
	for (size_t i = 0; i < found->n_items; i++) {
		const struct probe_item *item = &found->items[i];

		json_put_object(json, NULL);
		json_put_text(json, "name", item->name);
		put_works(json, item->works);
		json_put_text(json, "detail", *item->detail ? item->detail : NULL);
		json_put_text(json, "fix", *item->fix ? item->fix : NULL);
		json_put_bool(json, "container", item->container);
		json_put_bool(json, "process", item->process);
		json_put_end(json);
	}
	json_put_end(json);
}

static void put_boundaries(struct json *json, const struct diagnosis *found)
{
	struct err why = ERR_INIT;

	json_put_array(json, "boundaries");
	for (size_t i = 0; boundary_at(i); i++) {
		const bool works = boundary_works(found, boundary_at(i), &why);

		json_put_object(json, NULL);
		json_put_text(json, "name", boundary_at(i)->name);
		json_put_bool(json, "works", works);
		json_put_text(json, "why", works ? NULL : why.text);
		json_put_end(json);
	}
	json_put_end(json);
}

static void put_layers(struct json *json, const struct diagnosis *found)
{
	json_put_array(json, "layers");
	for (enum layer layer = 0; layer < LAYERS; layer++) {
		json_put_object(json, NULL);
		json_put_text(json, "name", layer_name(layer));
		put_works(json, layer_works(found, layer));
		json_put_text(json, "holds", layer_holds(layer));
		json_put_end(json);
	}
	json_put_end(json);
}

static void write_json(const struct diagnosis *found, struct str *out)
{
	OWN(json) json = JSON_NONE;

	json_put_object(&json, NULL);
	json_put_text(&json, "schema", "ward.doctor.1");
	json_put_u64(&json, "kernel", found->host.kernel);
	json_put_u64(&json, "uid", found->host.uid);
	put_items(&json, found);
	put_boundaries(&json, found);
	put_layers(&json, found);
	json_put_object(&json, "monitor");
	json_put_text(&json, "socket", HOST_MONITOR_SOCKET);
	json_put_bool(&json, "answers", found->host.monitor);
	json_put_text(&json, "why", found->host.monitor ? NULL : found->monitor.text);
	json_put_end(&json);
	json_put_end(&json);
	json_put_line(&json);
	str_add_bytes(out, json.out.at, json.out.len);
}

int command_doctor_run(struct args *args, struct err *e)
{
	struct diagnosis found = {.n_items = 0};
	OWN(str) out = STR_NONE;
	struct err ignored;
	bool any = false;

	if (args->n_operands)
		return err_set(e, ERR_USAGE, "doctor takes no operand, got '%.40s'",
			       args->operands[0]);
	diagnose(&found);
	if (args_has(args, DOCTOR_JSON))
		write_json(&found, &out);
	else
		write_text(&found, say_colour(STDOUT_FILENO), &out);
	if (say_out(STDOUT_FILENO, "standard output", &out, e) < 0)
		return -1;
	for (size_t i = 0; boundary_at(i); i++)
		any |= boundary_works(&found, boundary_at(i), &ignored);
	return any ? 0 : CODE_FINDINGS;
}

const struct command command_doctor = {
    .name = "doctor",
    .summary = "tell what this host can enforce, and how to close the gaps",
    .usage = "[option]...",
    .about =
	"Tries every primitive that ward builds boxes from in a child process and prints whether "
	"it "
	"works, the cause when it does not, and what helps; then which boundaries and layers that "
	"leaves, and whether a ward-monitor answers. The exit code is 0 when a boundary works, 1 "
	"when "
	"none does, 2 for wrong usage.",
    .options = options,
    .trouble = CODE_USAGE,
};
