/* The groups of system calls that systemd's SystemCallFilter= knows. */
#pragma once

/* The members of "@name", with single blanks between them; groups may be among them. NULL: no such group. */
const char *systemd_group(const char *name);

/* The i-th name, NULL past the end. */
const char *systemd_group_at(unsigned i);
