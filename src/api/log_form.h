/* Other forms of a line of the log, made from the line as JSON: so that all say the same. Pure. */
#pragma once

#include <stdbool.h>

#include "base/str.h"

/* "18:00:00.250 info    request  method=GET status=200". What could be taken for another field, or move a terminal, is
 * quoted as JSON. A line that is no object of JSON is added as it is, cleaned. */
void log_form_text(const char *line, bool colour, struct str *out);

/* One datagram for journald: MESSAGE, PRIORITY, SYSLOG_IDENTIFIER, and WARD_NAME for each member of the line. Values with
 * line breaks go with their length.
 * Source: systemd.io/JOURNAL_NATIVE_PROTOCOL */
void log_form_journal(const char *line, struct str *out);
