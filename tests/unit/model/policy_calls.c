/* model/policy_calls: what a rule means for a concrete call. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "model/policy.h"
#include "model/syscalls.h"

#define V1 "version: 1\n"

/* The decision of the first row that applies, as filter.h defines it. */
static enum filter_act judge(const struct policy *policy, const char *call, uint64_t arg0,
			     uint64_t arg1, unsigned *sys)
{
	const struct filter_row *row = NULL;
	const uint64_t args[6] = { arg0, arg1 };
	const enum filter_act act =
		filter_judge(&policy->syscalls, (uint32_t)syscalls_number(call), args, &row);

	*sys = row ? row->sys : policy->syscalls.otherwise_sys;
	return act;
}

static const struct {
	const char *syscalls, *call;
	uint64_t arg0, arg1;
	enum filter_act act;
	unsigned sys;
} rows[] = {
#define IOCTL                                                                                      \
	"syscalls: {default: errno, allow: [ioctl, write], rules: [{call: ioctl, when: {arg1: "    \
	"[1, 2]}}]}"
	{ IOCTL, "ioctl", 0, 1, FILTER_ALLOW, 0 },
	{ IOCTL, "ioctl", 0, 2, FILTER_ALLOW, 0 },
	{ IOCTL, "ioctl", 0, 3, FILTER_ERRNO, ENOSYS },      /* the rule narrows what allow gives */
	{ IOCTL, "ioctl", 0, 0x100000001, FILTER_ALLOW, 0 }, /* the kernel reads 32 bits */
	{ IOCTL, "write", 0, 3, FILTER_ALLOW, 0 },
	{ IOCTL, "read", 0, 3, FILTER_ERRNO, ENOSYS },
#define BOTH                                                                                       \
	"syscalls: {default: kill, rules: [{call: ioctl, when: {arg0: 1, arg1: 2}}, {call: "       \
	"ioctl, when: {arg1: 3}}]}"
	{ BOTH, "ioctl", 1, 2, FILTER_ALLOW, 0 },
	{ BOTH, "ioctl", 0, 2, FILTER_KILL, ENOSYS }, /* arguments of one rule: and */
	{ BOTH, "ioctl", 0, 3, FILTER_ALLOW, 0 },     /* two rules for one call: or */
#define DENY                                                                                       \
	"syscalls: {default: kill, allow: [kill], rules: [{call: kill, when: {arg1: 9}, action: "  \
	"errno, errno: EACCES}]}"
	{ DENY, "kill", 0, 9, FILTER_ERRNO, EACCES },
	{ DENY, "kill", 0, 1, FILTER_ALLOW, 0 },
	{ "syscalls: {allow: [read], rules: [{call: read, action: notify}]}", "read", 0, 0,
	  FILTER_NOTIFY, EPERM },
	{ "syscalls: {allow: [read], rules: [{call: read, action: log}]}", "read", 0, 0, FILTER_LOG,
	  0 },
	{ "syscalls: {allow: [read], rules: [{call: read, action: kill}]}", "read", 0, 0,
	  FILTER_KILL, 0 },
	{ "syscalls: {default: errno, errno: EPERM}", "read", 0, 0, FILTER_ERRNO, EPERM },
#define MASK "syscalls: {default: kill, rules: [{call: socket, when: {arg1: {mask: 0xf, is: 1}}}]}"
	{ MASK, "socket", 0, 0x80001, FILTER_ALLOW, 0 },
	{ MASK, "socket", 0, 0x80002, FILTER_KILL, ENOSYS },
#define AT "syscalls: {default: kill, rules: [{call: openat, when: {arg0: AT_FDCWD}}]}"
	{ AT, "openat", (uint64_t)-100, 0, FILTER_ALLOW, 0 }, /* a negative constant on 32 bits */
	{ AT, "openat", 0xffffff9c, 0, FILTER_ALLOW, 0 },
	{ AT, "openat", 100, 0, FILTER_KILL, ENOSYS },
};

static void a_rule_means_what_it_says(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		OWN(policy) policy = POLICY_NONE;
		struct err e = ERR_INIT;
		char text[512] = V1;
		unsigned sys;

		strcat(text, rows[i].syscalls);
		assert_int_equal(policy_read("x", text, strlen(text), &policy, &e), 0);
		assert_int_equal(judge(&policy, rows[i].call, rows[i].arg0, rows[i].arg1, &sys),
				 rows[i].act);
		if (rows[i].act == FILTER_ERRNO || rows[i].act == FILTER_NOTIFY)
			assert_int_equal(sys, rows[i].sys);
	}
}

static void a_narrowed_call_follows_the_default_of_a_flag(void **state)
{
	OWN(policy) policy = POLICY_NONE;
	struct err e = ERR_INIT;
	unsigned sys;

	(void)state;
	assert_int_equal(policy_read("x", V1 IOCTL, strlen(V1 IOCTL), &policy, &e), 0);
	assert_int_equal(policy_set(&policy, KEY_SYS_DEFAULT, "kill",
				    (struct origin){ .source = "--x" }, false, &e),
			 0);
	assert_int_equal(judge(&policy, "ioctl", 0, 3, &sys), FILTER_KILL);
	assert_int_equal(judge(&policy, "read", 0, 3, &sys), FILTER_KILL);
	assert_int_equal(judge(&policy, "ioctl", 0, 2, &sys), FILTER_ALLOW);
}

static void rows_know_their_line(void **state)
{
	static const char text[] = V1 "syscalls:\n  allow:\n    - write\n  rules:\n    - call: "
				      "read\n      action: kill\n";
	OWN(policy) policy = POLICY_NONE;
	struct err e = ERR_INIT;

	(void)state;
	assert_int_equal(policy_read("x", text, sizeof(text) - 1, &policy, &e), 0);
	assert_int_equal(policy.syscalls.n_rows, 2);
	assert_int_equal(policy.syscalls.rows[0].line, 6);
	assert_int_equal(policy.syscalls.rows[1].line, 4);
	assert_string_equal(policy.calls[0].text, "kill read");
	assert_string_equal(policy.calls[1].text, "allow write");
}

static void an_unknown_name_says_what_was_meant(void **state)
{
	static const struct {
		const char *text, *line;
	} bad[] = {
		{ "syscalls: {rules: [{call: ioct, action: kill}]}",
		  "x:2:27: unknown system call 'ioct' (did you mean 'ioctl'?)" },
		{ "syscalls: {rules: [{call: ioctl, when: {arg1: TCGETZ_OR_SO}}]}",
		  "x:2:47: unknown constant 'TCGETZ_OR_SO'; write its number" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		OWN(policy) policy = POLICY_NONE;
		struct err e = ERR_INIT;
		char text[256] = V1;

		strcat(text, bad[i].text);
		assert_int_equal(policy_read("x", text, strlen(text), &policy, &e), -1);
		assert_string_equal(e.text, bad[i].line);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_rule_means_what_it_says),
		cmocka_unit_test(a_narrowed_call_follows_the_default_of_a_flag),
		cmocka_unit_test(rows_know_their_line),
		cmocka_unit_test(an_unknown_name_says_what_was_meant),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
