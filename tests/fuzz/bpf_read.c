/* Any bytes are either a program the kernel would take, or an error in one line. A program that was read from
 * text is read again the same from its own bytes. */
#include "format/bpf_read.h"

#include <string.h>

#include "subject.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	OWN(subject) first = SUBJECT_NONE, again = SUBJECT_NONE;
	struct err e = ERR_INIT;
	size_t bytes;

	check_reader(bpf_read, data, len);
	if (bpf_read("fuzz", (const char *)data, len, &first, &e) < 0)
		return 0;
	bytes = first.filters[0].n * sizeof(struct sock_filter);
	/* Bytes without a zero are taken for text. */
	if (!memchr(first.filters[0].program, 0, bytes))
		return 0;
	require_that(bpf_read("again", (const char *)first.filters[0].program, bytes, &again, &e) == 0);
	require_that(!memcmp(first.filters[0].program, again.filters[0].program, bytes));
	return 0;
}
