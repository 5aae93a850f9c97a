/* Writes a policy out, with origins. Refuses to leave a setting out because it is unset: what is
 * not stated is what one forgets. */
#include "model/policy_explain.h"

#include <inttypes.h>

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

static void write_origin(struct str *out, const struct origin *from)
{
	str_pad(out, FROM_COLUMN);
	str_add(out, from->source ? from->source : "not stated");
	if (from->line)
		str_addf(out, ":%" PRIu32, from->line);
	str_add(out, "\n");
}

static void write_values(const struct policy *policy, struct str *out)
{
	char value[64];

	for (size_t i = 0; i < KEYS; i++) {
		const enum policy_key key = (enum policy_key)i;

		str_add(out, policy_key_row(key)->path);
		str_pad(out, VALUE_COLUMN);
		if (policy_text(policy, key)) {
			str_add(out, policy_text(policy, key));
		} else {
			policy_format(policy, key, value, sizeof(value));
			str_add(out, value);
		}
		write_origin(out, &policy->values[i].origin);
	}
}

static void write_grants(const struct policy *policy, struct str *out)
{
	char number[32];

	for (size_t i = 0; i < policy->n_grants; i++) {
		const struct grant *const grant = &policy->grants[i];

		str_addf(out, "files %s", kind_names[grant->kind]);
		str_pad(out, VALUE_COLUMN);
		str_add(out, grant->what ? grant->what : grant->as);
		if (grant->what && grant->what != grant->as)
			str_addf(out, " as %s", grant->as);
		if (grant->size) {
			policy_value_format(KEY_SIZE, "", grant->size, number, sizeof(number));
			str_addf(out, ", size %s", number);
		}
		if (grant->inodes)
			str_addf(out, ", inodes %" PRIu64, grant->inodes);
		if (grant->may_exec && grant->kind != GRANT_EXEC)
			str_add(out, ", exec");
		write_origin(out, &grant->origin);
	}
}

static void write_ports(const struct policy *policy, const char *name, const uint16_t *ports,
			size_t n, struct str *out)
{
	str_addf(out, "network.%s", name);
	str_pad(out, VALUE_COLUMN);
	for (size_t i = 0; i < n; i++)
		str_addf(out, "%s%u", i ? ", " : "", ports[i]);
	str_add(out, n ? "" : "none");
	write_origin(out, &policy->ports_from);
}

static void write_lists(const struct policy *policy, struct str *out)
{
	for (size_t i = 0; i < policy->n_env; i++) {
		const struct env_rule *const rule = &policy->env[i];

		str_addf(out, "env %s", rule->value ? "set" : "keep");
		str_pad(out, VALUE_COLUMN);
		str_add(out, rule->name);
		if (rule->value) {
			str_add(out, "=");
			str_add(out, rule->value);
		}
		write_origin(out, &rule->origin);
	}
	for (size_t i = 0; i < policy->n_calls; i++) {
		str_add(out, "syscalls");
		str_pad(out, VALUE_COLUMN);
		str_add(out, policy->calls[i].text);
		write_origin(out, &policy->calls[i].origin);
	}
}

static void write_sets(const struct policy *policy, struct str *out)
{
	for (size_t i = 0; i < LAYERS; i++)
		if (policy->require & LAYER_BIT(i)) {
			str_add(out, "require");
			str_pad(out, VALUE_COLUMN);
			str_add(out, layer_name((enum layer)i));
			write_origin(out, &policy->require_from);
		}
	for (size_t i = 0; policy_fallback_name(i); i++)
		if (policy->fallback & 1U << i) {
			str_add(out, "fallback");
			str_pad(out, VALUE_COLUMN);
			str_add(out, policy_fallback_name(i));
			write_origin(out, &policy->fallback_from);
		}
}

void policy_explain(const struct policy *policy, struct str *out)
{
	write_values(policy, out);
	if (policy->ports_listed) {
		write_ports(policy, "connect", policy->connect_ports, policy->n_connect, out);
		write_ports(policy, "bind", policy->bind_ports, policy->n_bind, out);
	}
	write_grants(policy, out);
	write_lists(policy, out);
	write_sets(policy, out);
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
