/* What the two OCI documents share. Private to format/oci_write*.c. */
#pragma once

#include "format/peer.h"

struct json;

/* The profile as the member `key`, NULL = a document of its own.
 * Errors: ERR_LIMIT when no runtime could load it */
MUST_USE int oci_put_seccomp(struct json *out, const char *key, const struct peer_box *box,
			     struct peer_text *text, struct err *e);
