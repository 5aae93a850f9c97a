/* Any bytes have a format, and are either a profile with a program the kernel would take, or an error in one
 * line. */
#include "format/oci_read.h"

#include "format/guess.h"
#include "subject.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	require_that(guess_kind((const char *)data, len) != SUBJECT_PROCESS);
	check_reader(oci_read, data, len);
	return 0;
}
