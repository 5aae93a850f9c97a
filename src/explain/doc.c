/* Both forms of a page. The HTML is well-formed XML as well, has no script, and asks for nothing from anywhere. */
#include "explain/doc.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/clean.h"
#include "base/opt.h"

enum { INDENT = 4, SAY = 1024 };

static const char page_style[] =
	":root{color-scheme:light dark;--ground:#fff;--text:#1f2328;--dim:#59636e;--line:#d0d7de;--panel:#f6f8fa;--good:#1a7f37;"
	"--doubt:#9a6700;--bad:#cf222e;--bad-ground:#ffebe9}\n"
	"@media (prefers-color-scheme:dark){:root{--ground:#0d1117;--text:#f0f6fc;--dim:#9198a1;--line:#3d444d;--panel:#161b22;"
	"--good:#3fb950;--doubt:#d29922;--bad:#ff7b72;--bad-ground:#3c1618}}\n"
	"*{box-sizing:border-box}\n"
	"body{margin:0 auto;padding:24px;max-width:1228px;background:var(--ground);color:var(--text);"
	"font:15px/1.5 system-ui,sans-serif;overflow-wrap:anywhere}\n"
	"h1{font-size:26px;line-height:1.25;margin:0 0 12px}h2{font-size:20px;margin:36px 0 8px;padding-top:12px;"
	"border-top:1px solid var(--line)}h3{font-size:16px;margin:24px 0 6px}\n"
	"p{max-width:90ch;margin:8px 0}ul{margin:8px 0;padding-left:22px}li{margin:4px 0;max-width:90ch}\n"
	".alarm{border:2px solid var(--bad);background:var(--bad-ground);border-radius:6px;padding:10px 14px;font-weight:600;"
	"max-width:none}\n"
	".good{color:var(--good)}.doubt{color:var(--doubt)}.bad{color:var(--bad)}\n"
	"table{border-collapse:collapse;width:100%;margin:10px 0;font-size:14px}\n"
	"th,td{border:1px solid var(--line);padding:6px 9px;text-align:left;vertical-align:top}\n"
	"td{min-width:11ch}thead th{background:var(--panel)}tbody th{font-weight:600;overflow-wrap:normal;min-width:9ch}\n"
	"tr.bad th,tr.doubt th,tr.good th{border-left:4px solid}\n"
	"tr.bad th{color:var(--bad)}tr.doubt th{color:var(--doubt)}tr.good th{border-left-color:var(--good)}\n"
	".drawing{overflow-x:auto;margin:12px 0}.drawing svg{display:block;width:100%;min-width:860px;height:auto}\n"
	"@media (max-width:760px){body{padding:14px}td{min-width:0}table,tbody,tr,th,td{display:block;border:0}thead{display:none}"
	"tbody tr{border:1px solid var(--line);border-radius:6px;margin:10px 0;padding:6px 10px}tbody th,td{padding:3px 0}"
	"tbody th{min-width:0;overflow-wrap:anywhere}"
	"td::before{content:attr(data-head) \": \";color:var(--dim)}td:empty{display:none}tr.bad th,tr.doubt th,tr.good th{border-left:0}}\n"
	"@media print{body{max-width:none;padding:0;font-size:11px}table{font-size:10px}h2{break-after:avoid}tr,.alarm{break-inside:avoid}"
	".drawing{overflow:visible}.drawing svg{min-width:0}}\n";

void doc_escape(struct str *out, const char *text)
{
	OWN(str) clean = STR_NONE;

	clean_add(&clean, text);
	for (const char *at = str_text(&clean); *at; at++) {
		const size_t plain = strcspn(at, "&<>\"'");

		str_add_bytes(out, at, plain);
		at += plain;
		if (!*at)
			break;
		str_addf(out, "&#%d;", *at);
	}
}

static void add_coloured(struct doc *doc, const char *code, const char *text)
{
	str_add(doc->out, doc->colour ? code : "");
	clean_add(doc->out, text);
	str_add(doc->out, doc->colour ? "\033[0m" : "");
}

static const char *mark_name(enum doc_mark mark)
{
	static const char *const names[] = { "", "good", "doubt", "bad" };

	return names[mark];
}

static const char *mark_code(enum doc_mark mark)
{
	static const char *const codes[] = { "\033[1m", "\033[32m", "\033[33m", "\033[31m" };

	return codes[mark];
}

static void close_list(struct doc *doc)
{
	if (doc->in_list)
		str_add(doc->out, doc->form == DOC_HTML ? "</ul>\n" : "\n");
	doc->in_list = false;
}

/* Words of anybody's behind what stands in the line already. */
static void add_wrapped(struct doc *doc, const char *text, size_t indent)
{
	OWN(str) clean = STR_NONE;

	clean_add(&clean, text);
	opt_wrap(doc->out, str_text(&clean), indent);
}

void doc_begin(struct doc *doc, const char *title, const char *style)
{
	if (doc->form == DOC_TEXT) {
		add_coloured(doc, "\033[1m", title);
		str_add(doc->out, "\n\n");
		return;
	}
	str_add(doc->out, "<!DOCTYPE html>\n<html lang=\"en\" xmlns=\"http://www.w3.org/1999/xhtml\">\n<head>\n<meta charset=\"utf-8\"/>\n"
		"<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\"/>\n"
		"<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\"/>\n<title>");
	doc_escape(doc->out, title);
	str_add(doc->out, "</title>\n<style>\n");
	str_add(doc->out, page_style);
	str_add(doc->out, style);
	str_add(doc->out, "</style>\n</head>\n<body>\n<h1>");
	doc_escape(doc->out, title);
	str_add(doc->out, "</h1>\n");
}

void doc_end(struct doc *doc)
{
	close_list(doc);
	if (doc->form == DOC_HTML)
		str_add(doc->out, "</body>\n</html>\n");
}

void doc_section(struct doc *doc, const char *id, const char *title)
{
	close_list(doc);
	if (doc->form == DOC_HTML) {
		str_addf(doc->out, "<h2 id=\"%s\">", id);
		doc_escape(doc->out, title);
		str_add(doc->out, "</h2>\n");
		return;
	}
	add_coloured(doc, "\033[1m", title);
	str_add(doc->out, "\n");
	for (size_t i = 0; i < strlen(title); i++)
		str_add(doc->out, "=");
	str_add(doc->out, "\n\n");
}

void doc_heading(struct doc *doc, const char *title)
{
	close_list(doc);
	if (doc->form == DOC_HTML) {
		str_add(doc->out, "<h3>");
		doc_escape(doc->out, title);
		str_add(doc->out, "</h3>\n");
		return;
	}
	add_coloured(doc, "\033[1m", title);
	str_add(doc->out, "\n\n");
}

void doc_say(struct doc *doc, const char *format, ...)
{
	char text[SAY];
	va_list args;

	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	close_list(doc);
	if (doc->form == DOC_HTML) {
		str_add(doc->out, "<p>");
		doc_escape(doc->out, text);
		str_add(doc->out, "</p>\n");
		return;
	}
	add_wrapped(doc, text, 0);
	str_add(doc->out, "\n");
}

void doc_alarm(struct doc *doc, const char *text)
{
	close_list(doc);
	if (doc->form == DOC_HTML) {
		str_add(doc->out, "<p class=\"alarm\">");
		doc_escape(doc->out, text);
		str_add(doc->out, "</p>\n");
		return;
	}
	str_add(doc->out, doc->colour ? "\033[1;31m!!! " : "!!! ");
	add_wrapped(doc, text, INDENT);
	str_add(doc->out, doc->colour ? "\033[0m\n" : "\n");
}

void doc_item(struct doc *doc, enum doc_mark mark, const char *text)
{
	if (doc->form == DOC_TEXT) {
		str_addf(doc->out, "  %s ", mark == DOC_BAD ? "!" : mark == DOC_DOUBT ? "~" : "-");
		add_wrapped(doc, text, INDENT);
		doc->in_list = true;
		return;
	}
	str_add(doc->out, doc->in_list ? "" : "<ul>\n");
	doc->in_list = true;
	str_addf(doc->out, "<li class=\"%s\">", mark_name(mark));
	doc_escape(doc->out, text);
	str_add(doc->out, "</li>\n");
}

void doc_table(struct doc *doc, const char *const *heads)
{
	close_list(doc);
	doc->heads = heads;
	for (doc->n_heads = 0; heads[doc->n_heads]; doc->n_heads++)
		;
	if (doc->form == DOC_TEXT)
		return;
	str_add(doc->out, "<table>\n<thead><tr>");
	for (size_t i = 0; i < doc->n_heads; i++) {
		str_add(doc->out, "<th>");
		doc_escape(doc->out, heads[i]);
		str_add(doc->out, "</th>");
	}
	str_add(doc->out, "</tr></thead>\n<tbody>\n");
}

static void add_row_text(struct doc *doc, enum doc_mark mark, const char *const *cells)
{
	str_add(doc->out, "  ");
	add_coloured(doc, mark_code(mark), cells[0]);
	str_add(doc->out, "\n");
	for (size_t i = 1; i < doc->n_heads; i++) {
		if (!cells[i] || !*cells[i])
			continue;
		str_addf(doc->out, "%*s", INDENT, "");
		clean_add(doc->out, doc->heads[i]);
		str_add(doc->out, ": ");
		add_wrapped(doc, cells[i], INDENT + 2);
	}
	str_add(doc->out, "\n");
}

void doc_row(struct doc *doc, enum doc_mark mark, const char *const *cells)
{
	if (doc->form == DOC_TEXT) {
		add_row_text(doc, mark, cells);
		return;
	}
	str_addf(doc->out, "<tr class=\"%s\"><th>", mark_name(mark));
	doc_escape(doc->out, cells[0]);
	str_add(doc->out, "</th>");
	for (size_t i = 1; i < doc->n_heads; i++) {
		str_add(doc->out, "<td data-head=\"");
		doc_escape(doc->out, doc->heads[i]);
		str_add(doc->out, "\">");
		doc_escape(doc->out, cells[i] ? cells[i] : "");
		str_add(doc->out, "</td>");
	}
	str_add(doc->out, "</tr>\n");
}

void doc_end_table(struct doc *doc)
{
	doc->n_heads = 0;
	if (doc->form == DOC_HTML)
		str_add(doc->out, "</tbody>\n</table>\n");
}

void doc_drawing(struct doc *doc, const struct str *svg)
{
	if (doc->form == DOC_TEXT)
		return;
	close_list(doc);
	str_add(doc->out, "<div class=\"drawing\">\n");
	str_add_bytes(doc->out, svg->at, svg->len);
	str_add(doc->out, "</div>\n");
}
