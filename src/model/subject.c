/* What the analysis commands judge. Refuses nothing: it is data. */
#include "model/subject.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void subject_done(struct subject *subject)
{
	if (subject->policy)
		policy_done(subject->policy);
	free(subject->policy);
	free(subject->filters);
	free(subject->lines);
	free(subject->whys);
	free(subject->missing);
	arena_done(&subject->arena);
	*subject = SUBJECT_NONE;
}

static const char *keep(struct subject *subject, const char *text)
{
	return arena_copy(&subject->arena, text, strlen(text));
}

void subject_add_filter(struct subject *subject, const char *name, const struct sock_filter *program,
			size_t n)
{
	const size_t bytes = n * sizeof(*program);
	struct sock_filter *const copy = arena_alloc(&subject->arena, bytes ? bytes : 1);

	if (n)
		memcpy(copy, program, bytes);
	subject->filters = mem_grow(subject->filters, &subject->cap_filters, subject->n_filters + 1,
				    sizeof(*subject->filters));
	subject->filters[subject->n_filters++] =
		(struct subject_filter){ .name = keep(subject, name), .program = copy, .n = n };
}

void subject_add_line(struct subject *subject, uint32_t nr, uint32_t line, uint32_t column,
		      const char *text)
{
	subject->lines = mem_grow(subject->lines, &subject->cap_lines, subject->n_lines + 1,
				  sizeof(*subject->lines));
	subject->lines[subject->n_lines++] =
		(struct subject_line){ .nr = nr, .line = line, .column = column,
				       .text = keep(subject, text) };
}

void subject_add_why(struct subject *subject, uint32_t line, const char *text)
{
	subject->whys = mem_grow(subject->whys, &subject->cap_whys, subject->n_whys + 1,
				 sizeof(*subject->whys));
	subject->whys[subject->n_whys++] =
		(struct subject_why){ .line = line, .text = keep(subject, text) };
}

void subject_add_missing(struct subject *subject, const char *format, ...)
{
	char text[512];
	va_list arguments;

	if (subject->n_missing > SUBJECT_MISSING)
		return;
	if (subject->n_missing == SUBJECT_MISSING)
		format = "and more, not listed";
	va_start(arguments, format);
	vsnprintf(text, sizeof(text), format, arguments);
	va_end(arguments);
	subject->missing = mem_grow(subject->missing, &subject->cap_missing,
				    subject->n_missing + 1, sizeof(*subject->missing));
	subject->missing[subject->n_missing++] = keep(subject, text);
}

const struct subject_line *subject_line_of(const struct subject *subject, uint32_t nr)
{
	const struct subject_line *any = NULL;

	for (size_t i = subject->n_lines; i-- > 0;) {
		const struct subject_line *const line = &subject->lines[i];

		if (line->nr == nr)
			return line;
		if (line->nr == SUBJECT_ANY && !any)
			any = line;
	}
	return any;
}

const char *subject_why_of(const struct subject *subject, uint32_t line)
{
	for (size_t i = 0; i < subject->n_whys; i++)
		if (subject->whys[i].line == line)
			return subject->whys[i].text;
	return NULL;
}
