/* Fuzz: any text as a call. What is read and shown again must be read as the same. */
#include <linux/audit.h>
#include <stdlib.h>
#include <string.h>

#include "model/call_text.h"
#include "model/syscalls.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n);

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
	char text[512];
	struct call_text call, again;
	struct err e = ERR_INIT;

	if (n >= sizeof(text))
		return 0;
	memcpy(text, bytes, n);
	text[n] = '\0';
	if (call_text_read(text, &call, &e) < 0) {
		if (!*e.text || strchr(e.text, '\n'))
			abort();
		return 0;
	}
	if (call.arch != AUDIT_ARCH_X86_64 || !syscalls_name(call.nr))
		return 0;
	syscalls_format(call.nr, call.args, text, sizeof(text));
	if (call_text_read(text, &again, &e) < 0 || again.nr != call.nr)
		abort();
	return 0;
}
