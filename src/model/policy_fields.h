/* The parts of a policy file that are not scalar keys. Private to the reader. */
#pragma once

#include "model/policy.h"
#include "model/policy_tree.h"

/* What a policy is read with. All pointers are borrowed for that time. */
struct reader {
	struct policy *policy;
	const struct tree *tree;
	const char *source;                     /* tree->name, in the policy's arena */
	const struct node *rules, *allow;       /* of syscalls: read last, in this order */
	bool has_version;
};

struct field {
	const char *path;       /* dotted, as in policy_keys.def */
	int (*read)(struct reader *r, const struct node *node, struct err *e);
};

/* NULL past the end. */
#define FIELDS 13
const struct field *field_at(size_t i);

struct origin field_origin(const struct reader *r, struct place at);
