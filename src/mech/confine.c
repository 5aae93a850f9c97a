/* A linear allow list: ward's own processes make few calls, so nothing cleverer is needed here. */
#include "mech/confine.h"

#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <string.h>

#include "base/mem.h"
#include "mech/drop.h"
#include "mech/seccomp.h"

/* Fills program with: kill foreign architectures; `hit` for the listed numbers, `miss` for others. */
static size_t build(const uint16_t *calls, size_t n, uint32_t hit, uint32_t miss, struct sock_filter *program)
{
	const struct sock_filter head[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, arch)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, AUDIT_ARCH_X86_64, 1, 0),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_KILL_PROCESS),
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
	};
	size_t at = ARRAY_SIZE(head);

	memcpy(program, head, sizeof(head));
	/* The x32 bit makes a number that none of the list equals. */
	for (size_t i = 0; i < n; i++)
		program[at++] = (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, calls[i], (uint8_t)(n - i), 0);
	program[at++] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, miss);
	program[at++] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, hit);
	return at;
}

int confine_calls(const uint16_t *calls, size_t n, struct err *e)
{
	struct sock_filter program[CONFINE_CALLS + 6];

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
	struct sock_filter program[CONFINE_CALLS + 6];

	if (n > CONFINE_CALLS)
		return err_set(e, ERR_BUG, "too many calls for one of ward's own filters");
	/* Nobody listens, so the kernel answers ENOSYS; of all refusals this one gives way to any other. */
	return seccomp_enter(program, build(calls, n, SECCOMP_RET_USER_NOTIF, SECCOMP_RET_ALLOW, program), false, e);
}
