/* Any bytes are either a policy or an error in one line. What was read can be explained, in text and
 * in JSON that a strict reader takes; what was refused leaves nothing behind. */
#include <stdint.h>
#include <string.h>

#include <jansson.h>

#include "base/json.h"
#include "base/str.h"
#include "model/policy.h"
#include "model/policy_explain.h"
#include "require.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static void explain(const struct policy *policy)
{
	OWN(str) text = STR_NONE;
	OWN(json) json = JSON_NONE;
	json_t *root;

	policy_explain(policy, &text);
	policy_explain_json(policy, &json);
	require_that(!text.cut && !json.out.cut && json.depth == 0);
	root = json_loads(json_written(&json), JSON_REJECT_DUPLICATES, NULL);
	require_that(root != NULL);
	json_decref(root);
}

/* Writing a value and setting it again must change nothing: --explain is what one copies from. */
static void set_again(struct policy *policy)
{
	char text[64];

	for (size_t i = 0; i < KEYS; i++) {
		const struct policy_value before = policy->values[i];
		struct err e = ERR_INIT;

		if (!before.set || before.text)
			continue;
		policy_format(policy, (enum policy_key)i, text, sizeof(text));
		require_that(policy_set(policy, (enum policy_key)i, text, before.origin, false, &e) == 0);
		require_that(policy->values[i].n == before.n);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	OWN(policy) policy = POLICY_NONE;
	struct err e = ERR_INIT;

	if (policy_read("fuzz", (const char *)data, len, &policy, &e) < 0) {
		require_error(&e);
		require_that(!policy.arena.blocks && !policy.grants && !policy.syscalls.rows);
		return 0;
	}
	require_that(e.kind == ERR_NONE);
	require_that(policy_check(&policy, &e) == 0);
	explain(&policy);
	set_again(&policy);
	return 0;
}
