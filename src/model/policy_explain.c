/* Writes a policy out, with origins. Refuses to leave a setting out because it is unset: what is
 * not stated is what one forgets. */
#include "model/policy_explain.h"

#include <inttypes.h>
#include <stdio.h>

#include "base/json.h"
#include "base/str.h"
#include "model/policy_value.h"

enum { VALUE_COLUMN = 24, FROM_COLUMN = 50 };

static const char *const kind_names[GRANT_KINDS] = {
	[GRANT_READ] = "read",
	[GRANT_EXEC] = "exec",
	[GRANT_WRITE] = "write",
	[GRANT_SCRATCH] = "scratch",
};

/* Where settings go, one by one. */
struct settings {
	const struct policy *policy;
	policy_setting *visit;
	void *at;
};

static void tell(const struct settings *to, const char *key, const char *value,
		 const struct origin *from)
{
	to->visit(to->at, key, value, from);
}

static void tell_values(const struct settings *to)
{
	const struct policy *const policy = to->policy;
	char value[64];

	for (size_t i = 0; i < KEYS; i++) {
		const enum policy_key key = (enum policy_key)i;
		const char *text = policy_text(policy, key);

		if (!text)
			policy_format(policy, key, value, sizeof(value));
		tell(to, policy_key_row(key)->path, text ? text : value, &policy->values[i].origin);
	}
}

static void tell_ports(const struct settings *to, const char *key, const uint16_t *ports, size_t n)
{
	OWN(str) text = STR_NONE;

	for (size_t i = 0; i < n; i++)
		str_addf(&text, "%s%u", i ? ", " : "", ports[i]);
	tell(to, key, n ? str_text(&text) : "none", &to->policy->ports_from);
}

static void tell_grant(const struct settings *to, const struct grant *grant)
{
	OWN(str) text = STR_NONE;
	char key[32], number[32];

	snprintf(key, sizeof(key), "files %s", kind_names[grant->kind]);
	str_add(&text, grant->what ? grant->what : grant->as);
	if (grant->what && grant->what != grant->as)
		str_addf(&text, " as %s", grant->as);
	if (grant->size) {
		policy_value_format(KEY_SIZE, "", grant->size, number, sizeof(number));
		str_addf(&text, ", size %s", number);
	}
	if (grant->inodes)
		str_addf(&text, ", inodes %" PRIu64, grant->inodes);
	if (grant->may_exec && grant->kind != GRANT_EXEC)
		str_add(&text, ", exec");
	tell(to, key, str_text(&text), &grant->origin);
}

static void tell_lists(const struct settings *to)
{
	const struct policy *const policy = to->policy;

	for (size_t i = 0; i < policy->n_env; i++) {
		const struct env_rule *const rule = &policy->env[i];
		OWN(str) text = STR_NONE;

		str_add(&text, rule->name);
		if (rule->value) {
			str_add(&text, "=");
			str_add(&text, rule->value);
		}
		tell(to, rule->value ? "env set" : "env keep", str_text(&text), &rule->origin);
	}
	for (size_t i = 0; i < policy->n_calls; i++)
		tell(to, "syscalls", policy->calls[i].text, &policy->calls[i].origin);
}

static void tell_sets(const struct settings *to)
{
	const struct policy *const policy = to->policy;

	for (size_t i = 0; i < LAYERS; i++)
		if (policy->require & LAYER_BIT(i))
			tell(to, "require", layer_name((enum layer)i), &policy->require_from);
	for (size_t i = 0; policy_fallback_name(i); i++)
		if (policy->fallback & 1U << i)
			tell(to, "fallback", policy_fallback_name(i), &policy->fallback_from);
}

void policy_each_setting(const struct policy *policy, policy_setting *visit, void *at)
{
	const struct settings to = { policy, visit, at };

	tell_values(&to);
	if (policy->ports_listed) {
		tell_ports(&to, "network.connect", policy->connect_ports, policy->n_connect);
		tell_ports(&to, "network.bind", policy->bind_ports, policy->n_bind);
	}
	for (size_t i = 0; i < policy->n_grants; i++)
		tell_grant(&to, &policy->grants[i]);
	tell_lists(&to);
	tell_sets(&to);
}

static void write_setting(void *at, const char *key, const char *value, const struct origin *from)
{
	struct str *const out = at;

	str_add(out, key);
	str_pad(out, VALUE_COLUMN);
	str_add(out, value);
	str_pad(out, FROM_COLUMN);
	str_add(out, from->source ? from->source : "not stated");
	if (from->line)
		str_addf(out, ":%" PRIu32, from->line);
	str_add(out, "\n");
}

void policy_explain(const struct policy *policy, struct str *out)
{
	policy_each_setting(policy, write_setting, out);
}

static void json_origin(struct json *out, const struct origin *from)
{
	json_put_text(out, "from", from->source);
	if (from->line) {
		json_put_u64(out, "line", from->line);
		json_put_u64(out, "column", from->column);
	}
}

static void json_values(const struct policy *policy, struct json *out)
{
	char value[64];

	json_put_object(out, "values");
	for (size_t i = 0; i < KEYS; i++) {
		const struct key_row *const row = policy_key_row((enum policy_key)i);
		const struct policy_value *const v = &policy->values[i];

		json_put_object(out, row->path);
		if (v->text) {
			json_put_text(out, "value", v->text);
		} else {
			policy_format(policy, (enum policy_key)i, value, sizeof(value));
			json_put_text(out, "value",
				      v->set || row->type == KEY_CHOICE || row->type == KEY_BOOL
					      ? value
					      : NULL);
		}
		if (v->set && row->type <= KEY_MILLI)
			json_put_u64(out, "number", v->n);
		json_origin(out, &v->origin);
		json_put_end(out);
	}
	json_put_end(out);
}

static void json_grants(const struct policy *policy, struct json *out)
{
	json_put_array(out, "files");
	for (size_t i = 0; i < policy->n_grants; i++) {
		const struct grant *const grant = &policy->grants[i];

		json_put_object(out, NULL);
		json_put_text(out, "kind", kind_names[grant->kind]);
		json_put_text(out, "what", grant->what);
		json_put_text(out, "as", grant->as);
		if (grant->size)
			json_put_u64(out, "size", grant->size);
		if (grant->inodes)
			json_put_u64(out, "inodes", grant->inodes);
		json_put_bool(out, "exec", grant->may_exec);
		json_origin(out, &grant->origin);
		json_put_end(out);
	}
	json_put_end(out);
}

static void json_ports(struct json *out, const char *key, const uint16_t *ports, size_t n)
{
	json_put_array(out, key);
	for (size_t i = 0; i < n; i++)
		json_put_u64(out, NULL, ports[i]);
	json_put_end(out);
}

static void json_lists(const struct policy *policy, struct json *out)
{
	json_put_array(out, "env");
	for (size_t i = 0; i < policy->n_env; i++) {
		json_put_object(out, NULL);
		json_put_text(out, "name", policy->env[i].name);
		json_put_text(out, "value", policy->env[i].value);
		json_origin(out, &policy->env[i].origin);
		json_put_end(out);
	}
	json_put_end(out);
	json_put_array(out, "syscalls");
	for (size_t i = 0; i < policy->n_calls; i++) {
		json_put_object(out, NULL);
		json_put_text(out, "rule", policy->calls[i].text);
		json_origin(out, &policy->calls[i].origin);
		json_put_end(out);
	}
	json_put_end(out);
}

static void json_sets(const struct policy *policy, struct json *out)
{
	json_put_array(out, "require");
	for (size_t i = 0; i < LAYERS; i++)
		if (policy->require & LAYER_BIT(i))
			json_put_text(out, NULL, layer_name((enum layer)i));
	json_put_end(out);
	json_put_array(out, "fallback");
	for (size_t i = 0; policy_fallback_name(i); i++)
		if (policy->fallback & 1U << i)
			json_put_text(out, NULL, policy_fallback_name(i));
	json_put_end(out);
}

void policy_explain_json(const struct policy *policy, struct json *out)
{
	json_put_object(out, NULL);
	json_put_text(out, "schema", "ward.policy.1");
	json_values(policy, out);
	if (policy->ports_listed) {
		json_ports(out, "connect", policy->connect_ports, policy->n_connect);
		json_ports(out, "bind", policy->bind_ports, policy->n_bind);
	}
	json_grants(policy, out);
	json_lists(policy, out);
	json_sets(policy, out);
	json_put_end(out);
}
