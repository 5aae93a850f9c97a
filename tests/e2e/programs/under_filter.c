/* Asks the kernel whether calls get through a filter, without making them: under_filter PROGRAM <CALLS.
 *
 * PROGRAM is struct sock_filter as bytes. A call is a line "ARCH NR A0 A1 A2 A3 A4 A5" (numbers as C writes
 * them); for each one a line "passes", "refused" or "killed" is written. A second filter answers every call
 * with SECCOMP_RET_TRACE: without a tracer the kernel then skips the call with ENOSYS. It is weaker than
 * every refusal (seccomp(2)), so what it says is seen only where PROGRAM lets the call through. Refusals
 * of PROGRAM get an errno of their own, which the kernel never gives.
 *
 * With a word behind PROGRAM there is no second filter: the calls are made, and the line is their errno. */
#define _GNU_SOURCE
#include <errno.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#define MARK 4000       /* above every errno, below MAX_ERRNO (4095) */

struct call {
	uint32_t arch, nr;
	uint64_t args[6];
};

static struct sock_filter program[BPF_MAXINSNS];

static unsigned short load(const char *path)
{
	FILE *const file = fopen(path, "rb");
	const size_t n = file ? fread(program, sizeof(*program), BPF_MAXINSNS, file) : 0;

	if (!n)
		exit(2);
	fclose(file);
	for (size_t i = 0; i < n; i++) {
		const uint32_t action = program[i].k & SECCOMP_RET_ACTION_FULL;

		if (program[i].code == (BPF_RET | BPF_K) &&
		    (action == SECCOMP_RET_ERRNO || action == SECCOMP_RET_USER_NOTIF || action == SECCOMP_RET_TRACE))
			program[i].k = SECCOMP_RET_ERRNO | MARK;
	}
	return (unsigned short)n;
}

static void install(struct sock_filter *filter, unsigned short n)
{
	const struct sock_fprog prog = { .len = n, .filter = filter };

	if (syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &prog) < 0)
		_exit(3);
}

/* All but what this process needs to go on. */
static void skip_everything(void)
{
	struct sock_filter filter[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, arch)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, AUDIT_ARCH_X86_64, 0, 4),
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_seccomp, 1, 0),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_exit_group, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_TRACE),
	};

	install(filter, sizeof(filter) / sizeof(*filter));
}

static long make64(const struct call *call)
{
	register uint64_t r10 __asm__("r10") = call->args[3];
	register uint64_t r8 __asm__("r8") = call->args[4];
	register uint64_t r9 __asm__("r9") = call->args[5];
	long result = (long)(uint64_t)call->nr;

	__asm__ volatile("syscall"
			 : "+a"(result)
			 : "D"(call->args[0]), "S"(call->args[1]), "d"(call->args[2]), "r"(r10), "r"(r8), "r"(r9)
			 : "rcx", "r11", "memory");
	return result;
}

/* The sixth argument (ebp) is left alone: no example needs it. */
static long make32(const struct call *call)
{
	long result = (long)call->nr;

	__asm__ volatile("int $0x80"
			 : "+a"(result)
			 : "b"(call->args[0]), "c"(call->args[1]), "d"(call->args[2]), "S"(call->args[3]),
			   "D"(call->args[4])
			 : "r8", "r9", "r10", "r11", "memory");
	return (int32_t)result;
}

static void try(const struct call *call, unsigned short n, int really, long *seen)
{
	const struct rlimit none = { 0, 0 };

	setrlimit(RLIMIT_CORE, &none);
	prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
	if (really && geteuid() == 0 && (setresgid(61234, 61234, 61234) || setresuid(61234, 61234, 61234)))
		_exit(4);
	if (!really)
		skip_everything();
	install(program, n);
	*seen = call->arch == AUDIT_ARCH_X86_64 ? make64(call) : make32(call);
	_exit(0);
}

static void judge(const struct call *call, unsigned short n, int really, long *seen)
{
	int status = 0;
	pid_t child;

	*seen = 1;
	fflush(stdout);
	child = fork();
	if (child == 0)
		try(call, n, really, seen);
	if (child < 0 || waitpid(child, &status, 0) != child)
		exit(5);
	if (*seen == -MARK)
		puts("refused");
	else if (really && *seen != 1)
		printf("%s\n", *seen < 0 ? strerrorname_np((int)-*seen) : "done");
	else if (*seen == -ENOSYS)
		puts("passes");
	else if (WIFSIGNALED(status))
		puts("killed");
	else
		printf("strange: %ld, status %d\n", *seen, status);
}

int main(int argc, char **argv)
{
	long *const seen = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	const unsigned short n = argc > 1 ? load(argv[1]) : 0;
	char line[512];

	if (!n || seen == MAP_FAILED)
		return 2;
	while (fgets(line, sizeof(line), stdin)) {
		struct call call = { 0, 0, { 0 } };
		char *at = line;

		call.arch = (uint32_t)strtoull(at, &at, 0);
		call.nr = (uint32_t)strtoull(at, &at, 0);
		for (int i = 0; i < 6; i++)
			call.args[i] = strtoull(at, &at, 0);
		judge(&call, n, argc > 2, seen);
	}
	return 0;
}
