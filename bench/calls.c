/* Measures, where it is run, what system calls cost; writes the deny list that peers are given, so
 * that they carry a filter too. Static and without options: it must run inside any sandbox.
 *
 *   calls               prints {"NAME": {"ns": N, "calls": N} or null when refused, ...}
 *   calls deny FILE     writes a classic BPF program */
#include <errno.h>
#include <fcntl.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <termios.h>
#include <time.h>
#include <unistd.h>

static uint64_t now_ns(void)
{
	struct timespec t;
	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

static long call_getppid(void)
{
	return syscall(SYS_getppid);
}
static long call_clock(void)
{
	struct timespec t;
	return syscall(SYS_clock_gettime, CLOCK_MONOTONIC, &t);
}
static long call_fcntl(void)
{
	return syscall(SYS_fcntl, 0, F_GETFD);
}
static long call_lseek(void)
{
	return syscall(SYS_lseek, -1, 0, SEEK_CUR);
}
static long call_ioctl(void)
{
	struct termios t;
	return syscall(SYS_ioctl, -1, TCGETS, &t);
}
static long call_open(void)
{
	const int fd = open("/", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	return fd < 0 ? -1 : close(fd);
}
static long call_mmap(void)
{
	void *p = mmap(NULL, 65536, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	return p == MAP_FAILED ? -1 : munmap(p, 65536);
}

/* harmless: the errno the call gives when it reaches the kernel, 0 = it succeeds */
static const struct {
	const char *name;
	long (*call)(void);
	int calls, harmless;
} call_table[] = {
    /* the first five touch nothing but the entry path, so what they gain is the filter's */
    {"getppid", call_getppid, 1, 0},
    {"clock_gettime", call_clock, 1, 0},
    {"fcntl", call_fcntl, 1, 0},
    {"lseek", call_lseek, 1, EBADF},
    {"ioctl", call_ioctl, 1, EBADF},
    /* these pass the memory and file hooks of other layers as well */
    {"mmap+munmap", call_mmap, 2, 0},
    {"open+close", call_open, 2, 0}};

/* The best of many short repetitions: noise only adds. A neighbour on the same core may stay for
 * the whole run, so the caller runs this program many times and takes the best again. */
static double call_cost_ns(long (*call)(void), int calls)
{
	const int times = calls == 1 ? 1000 : 300, reps = calls == 1 ? 40 : 20;
	double best = 1e18;

	for (int rep = 0; rep < reps; rep++) {
		const uint64_t start = now_ns();
		for (int i = 0; i < times; i++)
			call();
		const double ns = (double)(now_ns() - start) / times;
		best = ns < best ? ns : best;
	}
	return best;
}

static int calls_print(void)
{
	printf("{");
	for (size_t i = 0; i < sizeof(call_table) / sizeof(*call_table); i++) {
		errno = 0;
		const long got = call_table[i].call();
		const bool reached = got >= 0 || errno == call_table[i].harmless;
		printf("%s\"%s\":", i ? "," : "", call_table[i].name);
		/* a refused call never gets to the kernel's side: its time says nothing */
		if (reached)
			printf("{\"ns\":%.2f,\"calls\":%d}",
			       call_cost_ns(call_table[i].call, call_table[i].calls),
			       call_table[i].calls);
		else
			printf("null");
	}
	printf("}\n");
	return 0;
}

/* The same list as in tools.py, where runc and nsjail get it by name. */
static const int denied[] = {SYS_ptrace,
			     SYS_mount,
			     SYS_umount2,
			     SYS_pivot_root,
			     SYS_swapon,
			     SYS_swapoff,
			     SYS_reboot,
			     SYS_init_module,
			     SYS_finit_module,
			     SYS_delete_module,
			     SYS_kexec_load,
			     SYS_bpf,
			     SYS_perf_event_open,
			     SYS_userfaultfd,
			     SYS_keyctl,
			     SYS_add_key,
			     SYS_request_key,
			     SYS_open_by_handle_at,
			     SYS_setns,
			     SYS_unshare,
			     SYS_process_vm_readv,
			     SYS_process_vm_writev,
			     SYS_io_uring_setup,
			     SYS_acct,
			     SYS_quotactl,
			     SYS_settimeofday};

static int deny_write(const char *path)
{
	enum { N = sizeof(denied) / sizeof(*denied) };
	struct sock_filter f[N + 6] = {
	    BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, arch)),
	    BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, AUDIT_ARCH_X86_64, 1, 0),
	    BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_KILL_PROCESS),
	    BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
	};
	for (int i = 0; i < N; i++)
		f[4 + i] = (struct sock_filter)BPF_JUMP(
		    BPF_JMP | BPF_JEQ | BPF_K, (unsigned)denied[i], (unsigned char)(N - i), 0);
	f[4 + N] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW);
	f[5 + N] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EPERM);
	const int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
	const bool written =
	    fd >= 0 && write(fd, f, sizeof(f)) == (ssize_t)sizeof(f) && close(fd) == 0;
	if (!written)
		perror(path);
	return written ? 0 : 2;
}

int main(int argc, char **argv)
{
	if (argc == 3 && !strcmp(argv[1], "deny"))
		return deny_write(argv[2]);
	if (argc == 1)
		return calls_print();
	fprintf(stderr, "usage: calls [deny FILE]\n");
	return 2;
}
