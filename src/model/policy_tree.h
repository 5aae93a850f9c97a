/* What YAML and JSON have in common: texts, lists and maps, each with its place in the file.
 * Built piece by piece by a reader, bounded, and checked by policy_read. Pure. */
#pragma once

#include <stdint.h>

#include "base/err.h"
#include "base/mem.h"

#define TREE_BYTES      ((size_t)1 << 20)       /* of a file */
#define TREE_DEPTH      16
#define TREE_NODES      65536   /* 4,000 grants with options are 20,000 */
#define TREE_MAP_KEYS   512     /* duplicates are looked for one by one */
#define TREE_TEXT_BYTES 4095    /* PATH_MAX without its end */

struct place {
	uint32_t line, column;  /* from 1; columns count characters */
};

enum node_kind { NODE_TEXT, NODE_LIST, NODE_MAP };

struct node {
	enum node_kind kind;
	struct place at, key_at;
	const char *key;        /* in a map, else NULL */
	const char *text;       /* NODE_TEXT, else NULL; the schema gives it a type */
	size_t n;               /* children */
	struct node *first, *last, *next;
};

/* All zero but the names is the empty tree. */
struct tree {
	const char *name;       /* of the file, for errors; borrowed */
	const char *what;       /* "policy": what the file is, for errors; borrowed */
	struct node *root;      /* NULL until something was read */
	struct node *open[TREE_DEPTH];
	size_t depth, n_nodes;
	const char *key;        /* read, its value is still to come */
	struct place key_at;
	struct arena arena;
};

void tree_done(struct tree *tree);

/* Readers call these in document order. In a map every other text is a key.
 * Errors: ERR_LIMIT for the bounds above; ERR_USAGE for control bytes (also escaped ones),
 * duplicate keys and keys that are not texts */
MUST_USE int tree_add_text(struct tree *tree, const char *text, size_t len, struct place at,
			   struct err *e);
MUST_USE int tree_open(struct tree *tree, enum node_kind kind, struct place at, struct err *e);
void tree_close(struct tree *tree);

/* Sets "name:line:column: " and a sentence; returns -1. */
int tree_fail(const struct tree *tree, struct place at, struct err *e, enum err_kind kind,
	      const char *format, ...) __attribute__((format(printf, 5, 6)));

/* Puts "name:line:column: " before what *e says; returns -1. */
int tree_locate(const struct tree *tree, struct place at, struct err *e);

/* Where the byte at `offset` stands, for what comes before a tree. */
struct place tree_place(const char *text, size_t offset);

/* Fails unless node is of that kind; name is the key it belongs to. */
MUST_USE int tree_want(const struct tree *tree, const struct node *node, enum node_kind kind,
		       const char *name, struct err *e);

/* The value of a key of a map, NULL when it is absent. */
const struct node *tree_get(const struct node *map, const char *key);

/* Fails at the first key that is not in known[n]. */
MUST_USE int tree_check_keys(const struct tree *tree, const struct node *map, const char *where,
			     const char *const *known, size_t n, struct err *e);

/* "unknown key 'memmory' in limits (did you mean 'memory'?)", or the list of what is known. */
int tree_fail_key(const struct tree *tree, const struct node *node, const char *where,
		  const char *const *known, size_t n, struct err *e);

/* Fills an empty tree from a file's text, JSON when it begins with '{', else YAML; the root is then a map.
 *
 * first   what such a file begins with, for who gave an empty one: "version: 1"
 * Errors: ERR_LIMIT over TREE_BYTES, ERR_USAGE with the place */
MUST_USE int tree_parse(struct tree *tree, const char *text, size_t len, const char *first,
			struct err *e);

/* Fails unless node is the text 1. */
MUST_USE int tree_want_version(const struct tree *tree, const struct node *node, struct err *e);

/* The two languages, for text of at most TREE_BYTES without control bytes. In policy_yaml.c and
 * policy_json.c. */
MUST_USE int tree_read_yaml(struct tree *tree, const char *text, size_t len, struct err *e);
MUST_USE int tree_read_json(struct tree *tree, const char *text, size_t len, struct err *e);
