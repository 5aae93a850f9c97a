/* Fills struct err. Refuses to print, to allocate and to let control bytes through. */
#include "base/err.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static void clean(char *text)
{
	for (; *text; text++)
		if ((unsigned char)*text < 0x20 || *text == 0x7f)
			*text = '?';
}

__attribute__((format(printf, 2, 0))) static void set_text(struct err *e, const char *format, va_list args)
{
	vsnprintf(e->text, sizeof(e->text), format, args);
	clean(e->text);
}

int err_set(struct err *e, enum err_kind kind, const char *format, ...)
{
	va_list args;

	e->kind = kind;
	e->sys = 0;
	va_start(args, format);
	set_text(e, format, args);
	va_end(args);
	return -1;
}

int err_sys(struct err *e, const char *format, ...)
{
	const int saved = errno;
	va_list args;
	size_t len;

	e->kind = ERR_SYSTEM;
	e->sys = saved;
	va_start(args, format);
	set_text(e, format, args);
	va_end(args);
	len = strlen(e->text);
	snprintf(e->text + len, sizeof(e->text) - len, ": %s", strerror(saved));
	errno = saved;
	return -1;
}

int err_add(struct err *e, const char *format, ...)
{
	struct err inner = *e;
	va_list args;
	size_t len;

	va_start(args, format);
	set_text(e, format, args);
	va_end(args);
	len = strlen(e->text);
	snprintf(e->text + len, sizeof(e->text) - len, ": %s", inner.text);
	return -1;
}

const char *err_kind_name(enum err_kind kind)
{
	static const char *const names[ERR_KINDS] = {
		[ERR_NONE] = "none",         [ERR_USAGE] = "usage",
		[ERR_DENIED] = "denied",     [ERR_MISSING] = "missing",
		[ERR_CONFLICT] = "conflict", [ERR_LIMIT] = "limit",
		[ERR_UNSUPPORTED] = "unsupported", [ERR_SYSTEM] = "system",
		[ERR_BUG] = "bug",
	};

	return (unsigned)kind < ERR_KINDS ? names[kind] : "bug";
}
