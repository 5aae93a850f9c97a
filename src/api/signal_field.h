/* The signals that a client may send into a job. */
#pragma once

#include "serve/job_fields.h"

/* A field_read of an int: "TERM" and its like, by number. */
field_read signal_field;
