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

#define PROGRAM (4 * CONFINE_CALLS + 8)

static size_t put(struct sock_filter *program, size_t at, uint16_t code, uint32_t k, uint8_t yes, uint8_t no)
{
	program[at] = (struct sock_filter){ code, yes, no, k };
	return at + 1;
}

/* Binary search: installing a filter makes the kernel run it once for every call there is, so a list
 * would cost the square of its length. Bounded by the depth of calls[], which is ours. */
static size_t search(const uint16_t *calls, size_t n, uint32_t hit, uint32_t miss, struct sock_filter *program, size_t at)
{
	size_t split;

	if (n == 0)
		return put(program, at, BPF_RET | BPF_K, miss, 0, 0);
	if (n == 1) {
		at = put(program, at, BPF_JMP | BPF_JEQ | BPF_K, calls[0], 0, 1);
		at = put(program, at, BPF_RET | BPF_K, hit, 0, 0);
		return put(program, at, BPF_RET | BPF_K, miss, 0, 0);
	}
	split = at++;
	at = search(calls, n / 2, hit, miss, program, at);
	put(program, split, BPF_JMP | BPF_JGE | BPF_K, calls[n / 2], (uint8_t)(at - split - 1), 0);
	return search(calls + n / 2, n - n / 2, hit, miss, program, at);
}

static int compare(const void *a, const void *b)
{
	return *(const uint16_t *)a - *(const uint16_t *)b;
}

/* Fills program with: kill foreign architectures; `hit` for the listed numbers, `miss` for others. The
 * x32 bit makes a number that none of the list equals. */
static size_t build(const uint16_t *calls, size_t n, uint32_t hit, uint32_t miss, struct sock_filter *program)
{
	uint16_t sorted[CONFINE_CALLS];
	size_t at = 0;

	memcpy(sorted, calls, n * sizeof(*calls));
	qsort(sorted, n, sizeof(*sorted), compare);
	at = put(program, at, BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, arch), 0, 0);
	at = put(program, at, BPF_JMP | BPF_JEQ | BPF_K, AUDIT_ARCH_X86_64, 1, 0);
	at = put(program, at, BPF_RET | BPF_K, SECCOMP_RET_KILL_PROCESS, 0, 0);
	at = put(program, at, BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr), 0, 0);
	return search(sorted, n, hit, miss, program, at);
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
