/* Any bytes are either a unit with filters the kernel would take, or an error in one line. Reading is quick and
 * compiling is not, so one input of 256 is compiled too. */
#include "format/systemd_read.h"

#include "format/systemd_settings.h"
#include "subject.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

/* The list of calls has each call once. */
static void check_calls(const struct systemd_calls *calls)
{
	for (size_t i = 1; i < calls->n; i++)
		require_that(calls->of[i].nr != calls->of[i - 1].nr);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	OWN(systemd_settings) settings = { .error_number = 0 };
	OWN(subject) subject = SUBJECT_NONE;
	struct err e = ERR_INIT;
	unsigned sum = 0;

	for (size_t i = 0; i < len; i++)
		sum += data[i];
	if (sum % 256 == 0)
		check_reader(systemd_read, data, len);
	if (systemd_settings_read("fuzz", (const char *)data, len, &settings, &subject, &e) < 0) {
		require_that(e.kind != ERR_NONE && is_one_line(e.text));
		return 0;
	}
	check_calls(&settings.filter);
	check_calls(&settings.log);
	require_that(!(settings.namespaces & ~SYSTEMD_NAMESPACES));
	return 0;
}
