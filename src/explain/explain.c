/* What the parts of a configuration mean together. */
#include "explain/explain.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>

#include "judge/strength.h"
#include "model/note.h"

static void reach_done(struct explain_reach *reach)
{
	surface_done(&reach->surface);
	place_done(&reach->place);
}

void explain_done(struct explain *explain)
{
	for (size_t i = 0; i < explain->n_boxes; i++) {
		reach_done(&explain->boxes[i].reach);
		subject_done(&explain->boxes[i].subject);
	}
	for (size_t i = 0; i < PARTS; i++) {
		reach_done(&explain->processes[i].reach);
		subject_done(&explain->processes[i].subject);
	}
	arena_done(&explain->arena);
	*explain = EXPLAIN_NONE;
}

static void find(struct explain *explain, enum explain_fact fact, bool is_so)
{
	explain->facts |= (uint64_t)is_so << fact;
}

/* "unix:x" and 127.0.0.1, [::1], localhost: nobody else reaches them. */
static bool is_local(const char *address)
{
	const char *const colon = strrchr(address, ':');
	struct in6_addr v6;
	struct in_addr v4;
	char host[64];
	size_t len;

	if (strncmp(address, "unix:", 5) == 0)
		return true;
	len = colon ? (size_t)(colon - address) : strlen(address);
	if (len > 2 && *address == '[' && address[len - 1] == ']') {
		address++;
		len -= 2;
	}
	if (len >= sizeof(host))
		return false;
	snprintf(host, sizeof(host), "%.*s", (int)len, address);
	if (inet_pton(AF_INET, host, &v4) == 1)
		return ntohl(v4.s_addr) >> 24 == IN_LOOPBACKNET;
	if (inet_pton(AF_INET6, host, &v6) == 1)
		return IN6_IS_ADDR_LOOPBACK(&v6);
	return strcmp(host, "localhost") == 0;
}

static const char *join_list(struct explain *explain, enum config_list_id list)
{
	const char *text = NULL;

	for (size_t i = 0; i < explain->config->lists[list].n; i++)
		text = arena_printf(&explain->arena, "%s%s%s", text ? text : "", text ? ", " : "", explain->config->lists[list].items[i]);
	return text;
}

static void conclude_doors(struct explain *explain)
{
	const struct config *const config = explain->config;
	const bool is_public = !is_local(explain->listen), has_tls = config_text(config, CONFIG_TLS_CERT, NULL) != NULL;
	const bool is_proxied = config_number(config, CONFIG_PROXY, 0);

	find(explain, FACTS_PUBLIC, is_public);
	find(explain, FACTS_TLS, has_tls);
	find(explain, FACTS_CLEAR, !has_tls);
	find(explain, FACTS_PROXY, is_proxied && !has_tls);
	find(explain, FACTS_REFUSED, is_public && !has_tls && !is_proxied);
	find(explain, FACTS_METRICS, explain->metrics != NULL);
	find(explain, FACTS_METRICS_PUBLIC, explain->metrics && !is_local(explain->metrics));
	explain->details[FACTS_PUBLIC] = explain->details[FACTS_REFUSED] = explain->listen;
	explain->details[FACTS_METRICS_PUBLIC] = explain->metrics;
	explain->details[FACTS_WEBHOOK_HOSTS] = join_list(explain, CONFIG_LIST_WEBHOOK_HOSTS);
	explain->details[FACTS_HOSTS] = join_list(explain, CONFIG_LIST_HOSTS);
	find(explain, FACTS_WEBHOOK_HOSTS, explain->details[FACTS_WEBHOOK_HOSTS]);
	find(explain, FACTS_HOSTS, explain->details[FACTS_HOSTS]);
}

/* Runtimes that do not start as runtime.def says. */
static const char *find_words(struct explain *explain)
{
	const char *text = NULL;

	for (size_t i = 0; i < explain->config->n_runtimes; i++) {
		const struct config_runtime *const of = &explain->config->runtimes[i];

		if (of->main || of->build || of->run)
			text = arena_printf(&explain->arena, "%s%s%s: %s", text ? text : "", text ? "; " : "", of->name,
					    of->run ? of->run : of->build ? of->build : of->main);
	}
	return text;
}

static void conclude_boxes(struct explain *explain)
{
	uint64_t all = UINT64_MAX;

	for (size_t i = 0; i < explain->n_boxes; i++) {
		const struct explain_box *const box = &explain->boxes[i];

		find(explain, FACTS_CONTAINER, box->boundary == BOUNDARY_CONTAINER);
		find(explain, FACTS_GVISOR, box->boundary == BOUNDARY_GVISOR);
		find(explain, FACTS_JS, box->boundary == BOUNDARY_JS);
		find(explain, FACTS_WASM, box->boundary == BOUNDARY_WASM);
		find(explain, FACTS_NATIVE, box->boundary == BOUNDARY_CONTAINER || box->boundary == BOUNDARY_GVISOR);
		find(explain, FACTS_SAME_USER, box->notes & NOTE_SAME_USER);
		find(explain, FACTS_NO_CGROUP, box->notes & NOTE_RLIMITS_ONLY);
		all &= box->layers;
	}
	find(explain, FACTS_NO_GVISOR, !(explain->facts & FACT_BIT(GVISOR)));
	find(explain, FACTS_NO_CORE, explain->host->smt && !(all & LAYER_BIT(LAYER_CORE_SCHED)));
}

static void conclude_rest(struct explain *explain)
{
	const struct config *const config = explain->config;

	find(explain, FACTS_HERALD, !explain->processes[PART_HERALD].is_absent);
	find(explain, FACTS_NO_HERALD, explain->processes[PART_HERALD].is_absent);
	find(explain, FACTS_HOSTILE, config_number(config, CONFIG_HOSTILE, 0));
	find(explain, FACTS_ROOT, explain->is_root);
	find(explain, FACTS_USER, !explain->is_root);
	find(explain, FACTS_DECOYS, explain->has_decoys);
	find(explain, FACTS_NO_DECOYS, !explain->has_decoys);
	find(explain, FACTS_QUIET, strcmp(config_text(config, CONFIG_ON_CRITICAL, "kill"), "log") == 0);
	explain->details[FACTS_WORDS] = find_words(explain);
	find(explain, FACTS_WORDS, explain->details[FACTS_WORDS]);
	find(explain, FACTS_UNJUDGED, explain_is_partial(explain));
}

/* A store of its own: what one filter leaves in it is nothing to the next. */
static void judge(struct explain_reach *reach, const struct subject *subject)
{
	struct regions *const store = regions_new(REGIONS_NODES);

	surface_make(&reach->surface, &reach->place, subject, store);
	regions_free(store);
}

void explain_conclude(struct explain *explain)
{
	for (size_t i = 0; i < explain->n_boxes; i++) {
		struct explain_box *const box = &explain->boxes[i];

		judge(&box->reach, &box->subject);
	}
	for (size_t i = 0; i < PARTS; i++) {
		struct explain_process *const process = &explain->processes[i];

		process->reach.place.name = process->runs_as;
		if (process->subject.n_filters)
			judge(&process->reach, &process->subject);
	}
	conclude_doors(explain);
	conclude_boxes(explain);
	conclude_rest(explain);
}

bool explain_is_partial(const struct explain *explain)
{
	for (size_t i = 0; i < explain->n_boxes; i++)
		if (!explain->boxes[i].reach.surface.calls_known || explain->boxes[i].reach.surface.n_missing)
			return true;
	for (size_t i = 0; i < PARTS; i++)
		if (explain->processes[i].subject.n_filters && !explain->processes[i].reach.surface.calls_known)
			return true;
	return false;
}
