/* The nodes of a profile, as the peers' readers see them. */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "format/scmp.h"
#include "model/policy_tree.h"
#include "model/subject.h"

/* Everything of one profile. */
struct oci {
	const struct tree *tree;
	struct subject *out;
	struct scmp filter;
	uint32_t otherwise;             /* SCMP_ACT_* */
	size_t index, n_rules;          /* of entries, of rules of libseccomp */
};

/* A field as Go's reader finds it: capitals or not, the last one counts. NULL: absent, or no map */
const struct node *oci_get(const struct node *map, const char *key);

/* "" for what is no text. */
const char *oci_text(const struct node *node);

/* *list is NULL when there is none. Errors: ERR_USAGE for what is no list */
MUST_USE int oci_list(const struct oci *oci, const struct node *map, const char *key, const struct node **list,
		      struct err *e);

MUST_USE int oci_u64(const struct oci *oci, const struct node *node, uint64_t *out, struct err *e);

/* Lists a word as missing, with its line. */
void oci_miss(struct oci *oci, const struct node *node, const char *what, const char *word);

/* Lists the keys that are not known[n]: they may change what is loaded. */
void oci_check_keys(struct oci *oci, const struct node *map, const char *const *known, size_t n);

/* Fills *out from one number or name ("errnoRet": 1, Podman's "errno": "EPERM", which has the last word);
 * EPERM when there is neither. */
MUST_USE int oci_errno(const struct oci *oci, const struct node *map, const char *number, const char *name,
		       uint16_t *out, struct err *e);

/* "SCMP_ACT_ERRNO" to libseccomp's action. Returns 1, 0 when there is no such action (listed as missing),
 * -1. */
MUST_USE int oci_action(struct oci *oci, const struct node *node, uint16_t sys, uint32_t *action, struct err *e);
