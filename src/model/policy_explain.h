/* A policy for people and for programs: every effective setting and where it came from. Pure. */
#pragma once

#include "model/policy.h"

struct json;
struct str;

/* Appends aligned lines "key value origin"; then ports, grants, variables, system calls, layers. */
void policy_explain(const struct policy *policy, struct str *out);

/* Calls visit() for each of these lines, in order: key and value as they are shown. */
typedef void policy_setting(void *at, const char *key, const char *value, const struct origin *from);
void policy_each_setting(const struct policy *policy, policy_setting *visit, void *at);

/* The same as one JSON object, "schema": "ward.policy.1". A value is given as written ("64M") and,
 * for numbers, as a number of the base unit (bytes, milliseconds, thousandths). */
void policy_explain_json(const struct policy *policy, struct json *out);
