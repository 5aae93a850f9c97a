/* What a file holds, by its bytes. */
#pragma once

#include "model/subject.h"

/* Never fails: what looks like nothing else is taken for a policy, whose reader then says what is wrong.
 * SUBJECT_PROCESS is never the answer. */
enum subject_kind guess_kind(const char *text, size_t len);

/* "ward", "oci", "systemd", "bpf"; SUBJECT_KINDS: no such name. */
enum subject_kind guess_named(const char *name);
