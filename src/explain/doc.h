/* A page that is written as it comes, as HTML for a browser and paper or as plain text for a terminal. Every text goes
 * through here: markup becomes entities, controls become '?', so that a name cannot be more than a name. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "base/str.h"

enum doc_form { DOC_HTML, DOC_TEXT };
enum doc_mark { DOC_PLAIN, DOC_GOOD, DOC_DOUBT, DOC_BAD };

/* All zero but form and out is the empty one. */
struct doc {
	struct str *out;
	enum doc_form form;
	bool colour;                    /* text alone */
	const char *const *heads;       /* of the table that is open; borrowed */
	size_t n_heads;
	bool in_list;
};

/* style  of the page's own drawings, besides its own */
void doc_begin(struct doc *doc, const char *title, const char *style);
void doc_end(struct doc *doc);

/* id  a constant word, what other pages may link to */
void doc_section(struct doc *doc, const char *id, const char *title);
void doc_heading(struct doc *doc, const char *title);
void doc_say(struct doc *doc, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* What nobody may overlook. */
void doc_alarm(struct doc *doc, const char *text);
/* Items stand in one list until something else comes. */
void doc_item(struct doc *doc, enum doc_mark mark, const char *text);

/* The first column names the row. heads  borrowed until doc_end_table(); ends with NULL */
void doc_table(struct doc *doc, const char *const *heads);
/* cells  as many as there are heads; "" or NULL: nothing */
void doc_row(struct doc *doc, enum doc_mark mark, const char *const *cells);
void doc_end_table(struct doc *doc);

/* A drawing, which is markup already; nothing in a text. wide  it may be scrolled */
void doc_drawing(struct doc *doc, const struct str *svg);

/* Adds a text as HTML's and SVG's: cleaned, then escaped. */
void doc_escape(struct str *out, const char *text);
