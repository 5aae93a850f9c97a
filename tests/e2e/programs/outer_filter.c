/* outer_filter PROGRAM...: executes it under the kind of filter a default container has around it: no
 * namespaces, no mounts, no keyrings, and a clone3 that does not exist. */
#define _GNU_SOURCE
#include <errno.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#define ANSWER(call, error) \
	BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_##call, 0, 1), BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | (error))

int main(int argc, char **argv)
{
	struct sock_filter filter[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
		ANSWER(unshare, EPERM), ANSWER(setns, EPERM), ANSWER(mount, EPERM), ANSWER(fsopen, EPERM),
		ANSWER(open_tree, EPERM), ANSWER(move_mount, EPERM), ANSWER(mount_setattr, EPERM),
		ANSWER(pivot_root, EPERM), ANSWER(keyctl, EPERM), ANSWER(clone3, ENOSYS),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	struct sock_fprog program = { sizeof(filter) / sizeof(*filter), filter };

	if (argc < 2 || prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0 || syscall(SYS_seccomp, 1, 0, &program) < 0)
		return 99;
	execv(argv[1], argv + 1);
	return 98;
}
