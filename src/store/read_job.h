/* A row of the table of jobs as clients read it. */
#pragma once

#include "store/move.h"

void read_job(const struct store *store, struct job_row *row, struct store_job *out);
