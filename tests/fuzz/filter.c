/* Fuzz: any bytes as BPF through check and run; any rules through the compiler and the judge. */
#include <linux/audit.h>
#include <stdlib.h>
#include <string.h>

#include "model/filter.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n);

struct input {
	const uint8_t *at;
	size_t left;
};

/* Zeros once the input is used up, so that every input means something. */
static void take(struct input *input, void *out, size_t n)
{
	const size_t have = n < input->left ? n : input->left;

	memset(out, 0, n);
	memcpy(out, input->at, have);
	input->at += have;
	input->left -= have;
}

static uint64_t take_number(struct input *input, size_t bytes)
{
	uint64_t value = 0;

	take(input, &value, bytes);
	return value;
}

/* What the check takes must run to a return; what it does not take must at least not misbehave. */
static void run_bytes(struct input *input)
{
	struct sock_filter program[256];
	struct seccomp_data data;
	struct err e = ERR_INIT;
	size_t n;
	bool valid = false;

	take(input, &data, sizeof(data));
	n = input->left / sizeof(*program);
	n = n < 256 ? n : 256;
	take(input, program, n * sizeof(*program));
	filter_run(program, n, &data, &valid);
	if (filter_check(program, n, &e) == 0 && !valid)
		abort();
}

static void take_row(struct input *input, struct filter_set *set)
{
	struct filter_row row = { .nr = (uint32_t)take_number(input, 2) };

	row.act = (uint8_t)(take_number(input, 1) % FILTER_ACTS);
	row.sys = (uint16_t)take_number(input, 1);
	row.n_tests = (uint8_t)(take_number(input, 1) % (FILTER_TESTS + 1));
	row.quiet = row.sys & 1;
	row.fallback = row.sys & 2;
	for (size_t i = 0; i < row.n_tests; i++) {
		const uint8_t shape = (uint8_t)take_number(input, 1);
		struct filter_test *test = &row.tests[i];

		test->arg = shape % 6;
		test->op = shape / 6 % (FILTER_GT + 1);
		test->mask = shape & 128 ? take_number(input, 8) : UINT64_MAX;
		test->value = take_number(input, shape & 64 ? 8 : 4);
	}
	filter_add(set, &row);
}

static uint32_t expected(const struct filter_set *set, const struct seccomp_data *data)
{
	const struct filter_row *row;
	uint64_t args[6];
	enum filter_act act;
	bool is_quiet;

	memcpy(args, data->args, sizeof(args));
	act = filter_judge(set, (uint32_t)data->nr, args, &row);
	is_quiet = row && row->quiet;
	if ((uint32_t)data->nr >= 0x40000000)
		return SECCOMP_RET_KILL_PROCESS;
	if (act == FILTER_ALLOW)
		return SECCOMP_RET_ALLOW;
	if (act == FILTER_LOG)
		return SECCOMP_RET_LOG;
	if (!is_quiet && (set->report || act == FILTER_NOTIFY))
		return SECCOMP_RET_USER_NOTIF;
	return act == FILTER_KILL ? SECCOMP_RET_KILL_PROCESS :
				    SECCOMP_RET_ERRNO | filter_errno(set, row);
}

static void compare(const struct filter_set *set, const struct sock_filter *program, size_t n,
		    const struct seccomp_data *data)
{
	bool valid;

	if (filter_run(program, n, data, &valid) != expected(set, data) || !valid)
		abort();
}

/* Tries every row's number, with arguments taken from its tests and from the input. */
static void build_rules(struct input *input)
{
	OWN(filter_set) set = FILTER_SET_NONE;
	struct sock_filter program[BPF_MAXINSNS];
	struct seccomp_data data = { .arch = AUDIT_ARCH_X86_64 };
	const uint8_t head = (uint8_t)take_number(input, 1);
	struct err e = ERR_INIT;
	size_t n;

	set.otherwise = head % FILTER_ACTS;
	set.report = head & 128;
	take(input, data.args, sizeof(data.args));
	while (input->left)
		take_row(input, &set);
	if (filter_build(&set, program, BPF_MAXINSNS, &n, &e) < 0)
		return;
	if (filter_check(program, n, &e) < 0)
		abort();
	for (size_t i = 0; i < set.n_rows; i++) {
		const struct filter_row *row = &set.rows[i];

		data.nr = (int)row->nr;
		compare(&set, program, n, &data);
		for (size_t test = 0; test < row->n_tests; test++)
			data.args[row->tests[test].arg] = row->tests[test].value;
		compare(&set, program, n, &data);
		data.nr++;
		compare(&set, program, n, &data);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
	struct input input = { bytes, n };

	if (!n)
		return 0;
	if (take_number(&input, 1) & 1)
		run_bytes(&input);
	else
		build_rules(&input);
	return 0;
}
