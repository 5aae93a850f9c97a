/* A selftest's report for people and for programs. */
#pragma once

#include "base/str.h"
#include "judge/selftest.h"

/* For people: the table, the matrix when there are columns, and the line that sums up. */
void selftest_text(const struct selftest_report *report, bool colour, struct str *out);

/* One JSON object on one line, with "schema": 1. */
void selftest_json(const struct selftest_report *report, struct str *out);
