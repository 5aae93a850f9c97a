/* Prints for people. Refuses to buffer: what is said must be out before the next thing happens. */
#include "cmd/say.h"

#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clean.h"
#include "base/fd.h"

bool say_colour(int fd)
{
	const char *const no_color = getenv("NO_COLOR"), *const term = getenv("TERM");

	return !(no_color && *no_color) && term && strcmp(term, "dumb") != 0 && isatty(fd);
}

static void say_line(enum say_kind kind, const char *text, size_t len)
{
	static const char *const colours[] = {
		[SAY_NOTE] = "\033[33m", [SAY_ERROR] = "\033[1;31m"
	};
	const bool colour = say_colour(STDERR_FILENO);
	char line[1024];
	int n = snprintf(line, sizeof(line) - 1, "%sward:%s %.*s", colour ? colours[kind] : "",
			 colour ? "\033[0m" : "", (int)len, text);

	if (n < 0)
		return;
	n = n < (int)sizeof(line) - 2 ? n : (int)sizeof(line) - 2;
	line[n++] = '\n';
	if (write(STDERR_FILENO, line, (size_t)n) < 0)
		return; /* a closed standard error is the caller's wish */
}

void say(enum say_kind kind, const char *format, ...)
{
	char text[900];
	va_list args;

	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	clean_bytes(text, strlen(text), "");
	say_line(kind, text, strlen(text));
}

void say_lines(enum say_kind kind, const char *lines)
{
	for (const char *p = lines; *p; p += *p == '\n') {
		const size_t len = strcspn(p, "\n");

		say_line(kind, p, len);
		p += len;
	}
}

int say_out(int fd, const char *name, const struct str *text, struct err *e)
{
	if (fd_write_all(fd, str_text(text), text->len, e) < 0)
		return err_add(e, "%s", name);
	return text->cut ? err_set(e, ERR_LIMIT, "%s: the text is too long and was cut", name) : 0;
}
