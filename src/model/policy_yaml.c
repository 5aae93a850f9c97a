/* Reads YAML 1.1/1.2 through libyaml's events into a tree. Refuses everything that is not a plain
 * text, list or map: anchors, aliases, tags, directives, second documents. */
#include <stdbool.h>
#include <string.h>

#include <yaml.h>

#include "model/policy_tree.h"

static struct place place_of(yaml_mark_t mark)
{
	return (struct place){ (uint32_t)mark.line + 1, (uint32_t)mark.column + 1 };
}

/* The byte libyaml stumbled over; its column counts characters. */
static char byte_at(const char *text, size_t len, struct place at)
{
	const char *p = text, *const end = text + len;

	for (uint32_t line = 1; p && p < end && line < at.line; line++) {
		p = memchr(p, '\n', (size_t)(end - p));
		p = p ? p + 1 : NULL;
	}
	if (!p)
		return '\0';
	for (uint32_t column = 1; p < end && column < at.column; p++)
		column += p + 1 == end || ((unsigned char)p[1] & 0xc0) != 0x80;
	return p < end ? *p : '\0';
}

static int fail_syntax(const struct tree *tree, const yaml_parser_t *parser, const char *text,
		       size_t len, struct err *e)
{
	static const struct {
		char byte;
		const char *fix;
	} fixes[] = {
		{ '\t', "indent with spaces" },
		{ '@', "put the text in quotes: \"@...\"" },
		{ '`', "put the text in quotes" },
		{ '%', "put the text in quotes" },
	};
	const struct place at = place_of(parser->problem_mark);
	const char *const problem = parser->problem ? parser->problem : "unreadable";
	const char byte = byte_at(text, len, at);

	if (parser->error == YAML_READER_ERROR)
		return tree_fail(tree,
				 tree_place(text, parser->problem_offset < len
							  ? parser->problem_offset
							  : len),
				 e, ERR_USAGE, "%s; save the file as UTF-8", problem);
	for (size_t i = 0; i < ARRAY_SIZE(fixes); i++)
		if (fixes[i].byte == byte)
			return tree_fail(tree, at, e, ERR_USAGE, "not YAML: %s; %s", problem,
					 fixes[i].fix);
	return tree_fail(tree, at, e, ERR_USAGE, "not YAML: %s%s%s; check indentation and quotes",
			 problem, parser->context ? " " : "",
			 parser->context ? parser->context : "");
}

static int refuse(const struct tree *tree, const yaml_event_t *event, const char *what,
		  const char *fix, struct err *e)
{
	return tree_fail(tree, place_of(event->start_mark), e, ERR_USAGE, "%s are not allowed; %s",
			 what, fix);
}

/* Anchors and tags hang on any node; both fields are NULL in what we accept. */
static int check_plain(const struct tree *tree, const yaml_event_t *event,
		       const yaml_char_t *anchor, const yaml_char_t *tag, struct err *e)
{
	if (anchor)
		return refuse(tree, event, "anchors", "write the value where it is needed", e);
	if (tag)
		return refuse(tree, event, "tags",
			      "the key decides the type, write the value alone", e);
	return 0;
}

static int begin_document(const struct tree *tree, const yaml_event_t *event, struct err *e)
{
	if (tree->root)
		return tree_fail(tree, place_of(event->start_mark), e, ERR_USAGE,
				 "second documents are not allowed; one %s per file", tree->what);
	if (event->data.document_start.version_directive ||
	    event->data.document_start.tag_directives.start !=
		    event->data.document_start.tag_directives.end)
		return refuse(tree, event, "directives", "remove the line that begins with '%'", e);
	return 0;
}

static int take(struct tree *tree, const yaml_event_t *event, struct err *e)
{
	const struct place at = place_of(event->start_mark);

	switch (event->type) {
	case YAML_SCALAR_EVENT:
		if (check_plain(tree, event, event->data.scalar.anchor, event->data.scalar.tag, e) <
		    0)
			return -1;
		return tree_add_text(tree, (const char *)event->data.scalar.value,
				     event->data.scalar.length, at, e);
	case YAML_SEQUENCE_START_EVENT:
		if (check_plain(tree, event, event->data.sequence_start.anchor,
				event->data.sequence_start.tag, e) < 0)
			return -1;
		return tree_open(tree, NODE_LIST, at, e);
	case YAML_MAPPING_START_EVENT:
		if (check_plain(tree, event, event->data.mapping_start.anchor,
				event->data.mapping_start.tag, e) < 0)
			return -1;
		return tree_open(tree, NODE_MAP, at, e);
	case YAML_SEQUENCE_END_EVENT:
	case YAML_MAPPING_END_EVENT:
		tree_close(tree);
		return 0;
	case YAML_DOCUMENT_START_EVENT:
		return begin_document(tree, event, e);
	case YAML_ALIAS_EVENT:
		return refuse(tree, event, "aliases", "write the value out", e);
	default:
		return 0;
	}
}

static int read_events(struct tree *tree, yaml_parser_t *parser, const char *text, size_t len,
		       struct err *e)
{
	bool at_end = false;

	while (!at_end) {
		yaml_event_t event;
		int rc;

		if (!yaml_parser_parse(parser, &event))
			return fail_syntax(tree, parser, text, len, e);
		at_end = event.type == YAML_STREAM_END_EVENT;
		rc = take(tree, &event, e);
		yaml_event_delete(&event);
		if (rc < 0)
			return -1;
	}
	return 0;
}

int tree_read_yaml(struct tree *tree, const char *text, size_t len, struct err *e)
{
	yaml_parser_t parser;
	int rc;

	if (!yaml_parser_initialize(&parser))
		return err_set(e, ERR_LIMIT, "out of memory");
	yaml_parser_set_encoding(&parser, YAML_UTF8_ENCODING);
	yaml_parser_set_input_string(&parser, (const unsigned char *)text, len);
	rc = read_events(tree, &parser, text, len, e);
	yaml_parser_delete(&parser);
	return rc;
}
