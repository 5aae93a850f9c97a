/* The words of `ward serve`: what its file says, then what its flags say. Refuses what neither table knows. */
#include "cmd/serve_options.h"

#include "cmd/policy_find.h"
#include "cmd/state_dir.h"
#include "model/policy_tree.h"
#include "model/policy_value.h"

const struct opt serve_options[] = {
	{ .name = "listen", .letter = 'l', .kind = OPT_VALUE, .arg = "ADDRESS:PORT|unix:PATH", .group = "Service",
	  .id = CONFIG_LISTEN, .help = "where clients reach it; a relative path lies in the state directory; default: " SERVE_LISTEN },
	{ .name = "state", .letter = 's', .kind = OPT_VALUE, .arg = "DIR", .group = "Service", .words = OPT_PATHS,
	  .id = CONFIG_STATE, .help = "what must not be lost: database, inputs, outputs; default: " STATE_OF_ROOT
	  " for root, else ./" STATE_OF_USER },
	{ .name = "behind-proxy", .group = "Service", .id = CONFIG_PROXY,
	  .help = "something in front of it does TLS: then it may listen on every address" },
	{ .name = "tls-cert", .kind = OPT_VALUE, .arg = "FILE", .group = "Service", .words = OPT_PATHS, .id = CONFIG_TLS_CERT,
	  .help = "serve TLS with this certificate; each start reads it anew" },
	{ .name = "tls-key", .kind = OPT_VALUE, .arg = "FILE", .group = "Service", .words = OPT_PATHS, .id = CONFIG_TLS_KEY,
	  .help = "and its key, which nobody but root has to be able to read" },
	{ .name = "host", .kind = OPT_VALUE, .arg = "NAME", .group = "Service", .id = SERVE_HOST,
	  .help = "a further name that the header Host may have; may be given several times" },
	{ .name = "connections", .kind = OPT_VALUE, .arg = "N", .group = "Service", .id = CONFIG_CONNECTIONS,
	  .help = "connections at once; default: 4096" },
	{ .name = "connections-each", .kind = OPT_VALUE, .arg = "N", .group = "Service", .id = CONFIG_CONNECTIONS_EACH,
	  .help = "connections at once of one address; default: 2048" },
	{ .name = "queue-wait", .kind = OPT_VALUE, .arg = "DURATION", .group = "Service", .id = CONFIG_QUEUE_WAIT,
	  .help = "refuse a job (429) that would wait longer, as its tenant's queue drains now; default: 10m" },
	{ .name = "metrics", .kind = OPT_VALUE, .arg = "ADDRESS:PORT|unix:PATH", .group = "Service", .id = CONFIG_METRICS,
	  .help = "where Prometheus may read /metrics, without a key; default: nowhere" },
	{ .name = "first-keys", .kind = OPT_VALUE, .arg = "NAME", .group = "Service", .id = CONFIG_FIRST_KEYS,
	  .help = "the first start writes its keys to this new file of the state directory, instead of showing them" },
	{ .name = "log", .kind = OPT_VALUE, .arg = "json|text|journal", .words = "json|text|journal", .group = "Service", .id = CONFIG_LOG,
	  .help = "the form of the log: a JSON object a line, text for people, or fields for journald; default: journal where standard error "
		  "is the journal's, else json" },
	{ .name = "webhook-host", .kind = OPT_VALUE, .arg = "HOST", .group = "Service", .id = SERVE_WEBHOOK,
	  .help = "a host that webhooks may reach at a private address, and without TLS; may be given again" },
	{ .name = "boxes", .kind = OPT_VALUE, .arg = "N", .group = "Boxes", .id = CONFIG_BOXES,
	  .help = "boxes at once, parked ones counted; default: 64" },
	{ .name = "warm", .kind = OPT_VALUE, .arg = "N", .group = "Boxes", .id = CONFIG_WARM,
	  .help = "boxes kept parked for each runtime; default: 2" },
	{ .name = "hostile-container", .group = "Boxes", .id = CONFIG_HOSTILE,
	  .help = "let tenants whose code is hostile have a bare container or engine, which does not hold it" },
	{ .name = "on-low", .kind = OPT_VALUE, .arg = "ACTION", .group = "Detection", .id = CONFIG_ON_LOW,
	  .help = "what is done about a job whose alert is low: log, kill (the job), or quarantine (its tenant is suspended "
		  "as well); default: log" },
	{ .name = "on-high", .kind = OPT_VALUE, .arg = "ACTION", .group = "Detection", .id = CONFIG_ON_HIGH,
	  .help = "the same where it is high; default: log" },
	{ .name = "on-critical", .kind = OPT_VALUE, .arg = "ACTION", .group = "Detection", .id = CONFIG_ON_CRITICAL,
	  .help = "the same where it is critical; default: kill" },
	{ .name = "config", .letter = 'c', .kind = OPT_VALUE, .arg = "FILE", .group = "Configuration", .words = OPT_PATHS,
	  .id = SERVE_CONFIG, .help = "read all of this, limits and runtimes from a file; flags count more" },
	{ .name = "check-config", .group = "Configuration", .id = SERVE_CHECK, .help = "read it, say whether it is sound, and end" },
	{ .name = "explain", .kind = OPT_MAYBE, .arg = "FILE", .group = "Configuration", .words = OPT_PATHS, .id = SERVE_EXPLAIN,
	  .help = "write what all of this comes to on this host, boundary by boundary, and end: a page of HTML, or text where FILE "
		  "ends in .txt or standard output is a terminal" },
	COMMAND_HELP,
};

static int take_flag(const struct opt_hit *hit, struct config *config, struct err *e)
{
	const enum config_id id = (enum config_id)hit->opt->id;
	const struct config_row *const row = config_value_row(id);
	uint64_t n = 1;

	if (hit->value && row->type != KEY_TEXT && row->type != KEY_PATH &&
	    policy_value_parse(row->type, row->bounds, hit->value, &n, e) < 0)
		return err_add(e, "--%s", hit->opt->name);
	config->values[id].text = hit->value ? hit->value : "true";
	config->values[id].n = n;
	return 0;
}

/* As many as the file and the flags say together. */
static int take_host(const struct opt_hit *hit, enum config_list_id list, struct config *config, struct err *e)
{
	const size_t most = config_list_row(list)->most;

	if (config->lists[list].n == most)
		return err_set(e, ERR_USAGE, "--%s: there may be %zu", hit->opt->name, most);
	config->lists[list].items[config->lists[list].n++] = hit->value;
	return 0;
}

int serve_options_read(const struct args *args, struct config *config, struct err *e)
{
	const struct opt_hit *const file = args_find(args, SERVE_CONFIG);
	OWN_MEM char *text = NULL;
	size_t len;

	if (file && (policy_find_bytes(file->value, TREE_BYTES, &text, &len, e) < 0 ||
		     config_read(file->value, text, len, config, e) < 0))
		return -1;
	if (args_has(args, SERVE_CHECK) && !file)
		return err_set(e, ERR_USAGE, "--check-config wants --config FILE");
	for (size_t i = 0; i < args->n_hits; i++) {
		const struct opt_hit *const hit = &args->hits[i];

		if (hit->opt->id < (int)CONFIG_VALUES && take_flag(hit, config, e) < 0)
			return -1;
		if (hit->opt->id == SERVE_HOST && take_host(hit, CONFIG_LIST_HOSTS, config, e) < 0)
			return -1;
		if (hit->opt->id == SERVE_WEBHOOK && take_host(hit, CONFIG_LIST_WEBHOOK_HOSTS, config, e) < 0)
			return -1;
	}
	return 0;
}
