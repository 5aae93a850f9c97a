/* Two filters as one program. The kernel asks every filter and takes the strictest answer; one program
 * asks the policy first and, of what that lets through, the floor: each return that allows becomes a
 * jump behind the policy's part, where the floor stands. Refuses nothing the two would allow. */
#include <linux/bpf_common.h>
#include <string.h>

#include "model/filter.h"
#include "model/filter_rows.h"

void filter_set_silence(const struct filter_set *from, struct filter_set *out)
{
	filter_add_set(out, from);
	for (size_t i = 0; i < out->n_rows; i++)
		if (out->rows[i].act == FILTER_NOTIFY)
			out->rows[i].act = FILTER_ERRNO;
	out->otherwise = from->otherwise == FILTER_NOTIFY ? FILTER_ERRNO : from->otherwise;
	out->otherwise_sys = from->otherwise_sys;
	out->report = false;
}

static int build_silent(const struct filter_set *set, struct sock_filter *out, size_t cap, size_t *n,
			struct err *e)
{
	OWN(filter_set) silent = FILTER_SET_NONE;

	filter_set_silence(set, &silent);
	return filter_build(&silent, out, cap, n, e);
}

static bool returns(const struct sock_filter *insn, uint32_t word)
{
	return insn->code == (BPF_RET | BPF_K) && insn->k == word;
}

static bool has_return(const struct sock_filter *program, size_t n, uint32_t word)
{
	for (size_t i = 0; i < n; i++)
		if (returns(&program[i], word))
			return true;
	return false;
}

/* Puts a floor that answers `word` where it allows behind the program, and leads to it whatever
 * returned that word. */
static int append(struct sock_filter *program, size_t n_policy, size_t cap, size_t *n,
		  const struct sock_filter *floor, size_t n_floor, uint32_t word, struct err *e)
{
	if (!has_return(program, n_policy, word))
		return 0;
	if (*n + n_floor > cap)
		return err_set(e, ERR_LIMIT, "policy and floor together need more than %zu filter "
			       "instructions", cap);
	for (size_t i = 0; i < n_policy; i++)
		if (returns(&program[i], word))
			program[i] = (struct sock_filter){ .code = BPF_JMP | BPF_JA,
							   .k = (uint32_t)(*n - i - 1) };
	memcpy(program + *n, floor, n_floor * sizeof(*floor));
	for (size_t i = *n; i < *n + n_floor; i++)
		if (returns(&program[i], SECCOMP_RET_ALLOW))
			program[i].k = word;
	*n += n_floor;
	return 0;
}

int filter_stack(const struct filter_set *policy, const struct filter_set *floor,
		 struct sock_filter *out, size_t cap, size_t *n_out, struct err *e)
{
	NO_INIT struct sock_filter below[BPF_MAXINSNS];
	size_t n_policy = 0, n_floor = 0, n;

	if (cap > BPF_MAXINSNS)
		cap = BPF_MAXINSNS;
	if (build_silent(policy, out, cap, &n_policy, e) < 0 ||
	    build_silent(floor, below, BPF_MAXINSNS, &n_floor, e) < 0)
		return -1;
	n = n_policy;
	if (append(out, n_policy, cap, &n, below, n_floor, SECCOMP_RET_ALLOW, e) < 0 ||
	    append(out, n_policy, cap, &n, below, n_floor, SECCOMP_RET_LOG, e) < 0)
		return -1;
	*n_out = n;
	return 0;
}
