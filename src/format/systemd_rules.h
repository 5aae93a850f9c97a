/* The rules of systemd's simple directives, as a table. */
#pragma once

#include <seccomp.h>
#include <stddef.h>
#include <stdint.h>

enum { SYSTEMD_X86 = 1, SYSTEMD_X32 = 2, SYSTEMD_X86_64 = 4 };

struct systemd_rule {
	const char *directive, *call;
	unsigned arches;
	uint16_t error;         /* the errno of the refusal */
	unsigned n;
	struct scmp_arg_cmp tests[2];
};

/* The i-th, NULL past the end. */
const struct systemd_rule *systemd_rule_at(size_t i);
