/* What people see of a record. */
#pragma once

#include "base/str.h"
#include "model/record.h"

/* A line a call, the most frequent first, and their sum. */
void trace_show_calls(const struct record *record, struct str *out);

/* The places a call was made from, below each call. */
void trace_show_sites(const struct record *record, struct str *out);

/* Capabilities the program asked for, and those a network service typically needs. */
void trace_show_caps(const struct record *record, struct str *out);
