/* Small filters over call numbers alone. */
#include "mech/confine.h"

#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "mech/drop.h"
#include "mech/seccomp.h"

#define HEAD    4
#define PROGRAM (HEAD + 2 * CONFINE_CALLS + 2)

static void put(struct sock_filter *at, uint16_t code, uint32_t k, size_t yes, size_t no)
{
	*at = (struct sock_filter){ code, (uint8_t)yes, (uint8_t)no, k };
}

/* The numbers at which the answer changes: an even number of edges at or below a call means that it is
 * not listed. */
static size_t find_edges(const uint16_t *calls, size_t n, uint16_t *edges)
{
	size_t n_edges = 0;

	for (size_t i = 0; i < n; i++) {
		if (!n_edges || calls[i] > edges[n_edges - 1]) {
			edges[n_edges++] = calls[i];
			edges[n_edges++] = calls[i] + 1;
		} else if (calls[i] == edges[n_edges - 1]) {
			edges[n_edges - 1]++;
		}
	}
	return n_edges;
}

/* Binary search from program[at] on, one instruction an edge: installing a filter makes the kernel run it
 * once for every call there is, so a list would cost the square of its length. Bounded by the depth of
 * calls[], which is ours.
 *
 * ends  the place of the two returns, for an even and an odd number of edges */
static void search(const uint16_t *edges, size_t low, size_t high, struct sock_filter *program, size_t at, size_t ends)
{
	const size_t middle = (low + high) / 2, left = at + 1, right = left + middle - low;
	const size_t yes = middle + 1 < high ? right : ends + (middle + 1) % 2;
	const size_t no = low < middle ? left : ends + middle % 2;

	if (low == high)
		return;
	put(&program[at], BPF_JMP | BPF_JGE | BPF_K, edges[middle], yes - left, no - left);
	search(edges, low, middle, program, left, ends);
	search(edges, middle + 1, high, program, right, ends);
}

static int compare(const void *a, const void *b)
{
	return *(const uint16_t *)a - *(const uint16_t *)b;
}

/* Fills program with: kill foreign architectures; `hit` for the listed numbers, `miss` for others. The
 * x32 bit makes a number that is above all edges. */
static size_t build(const uint16_t *calls, size_t n, uint32_t hit, uint32_t miss, struct sock_filter *program)
{
	uint16_t sorted[CONFINE_CALLS], edges[2 * CONFINE_CALLS];
	size_t n_edges;

	memcpy(sorted, calls, n * sizeof(*calls));
	qsort(sorted, n, sizeof(*sorted), compare);
	n_edges = find_edges(sorted, n, edges);
	put(&program[0], BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, arch), 0, 0);
	put(&program[1], BPF_JMP | BPF_JEQ | BPF_K, AUDIT_ARCH_X86_64, 1, 0);
	put(&program[2], BPF_RET | BPF_K, SECCOMP_RET_KILL_PROCESS, 0, 0);
	put(&program[3], BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr), 0, 0);
	search(edges, 0, n_edges, program, HEAD, HEAD + n_edges);
	put(&program[HEAD + n_edges], BPF_RET | BPF_K, miss, 0, 0);
	put(&program[HEAD + n_edges + 1], BPF_RET | BPF_K, hit, 0, 0);
	return HEAD + n_edges + 2;
}

int confine_calls(const uint16_t *calls, size_t n, struct err *e)
{
	struct sock_filter program[PROGRAM];

	if (n > CONFINE_CALLS)
		return err_set(e, ERR_BUG, "too many calls for one of ward's own filters");
	if (drop_new_privs(e) < 0)
		return -1;
	if (SANITIZED)
		return 0;
	return seccomp_enter(program, build(calls, n, SECCOMP_RET_ALLOW, SECCOMP_RET_KILL_PROCESS, program), false, e);
}

int confine_refuse(const uint16_t *calls, size_t n, struct err *e)
{
	struct sock_filter program[PROGRAM];

	if (n > CONFINE_CALLS)
		return err_set(e, ERR_BUG, "too many calls for one of ward's own filters");
	/* Nobody listens, so the kernel answers ENOSYS; of all refusals this one gives way to any other. */
	return seccomp_enter(program, build(calls, n, SECCOMP_RET_USER_NOTIF, SECCOMP_RET_ALLOW, program), false, e);
}
