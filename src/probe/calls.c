/* System calls that untrusted code has no use for: other entries into the kernel, namespaces, other
 * processes' memory, and the subsystems most kernel exploits came through. Only calls that a
 * missing argument or a wrong magic stops behind the permission check. */
#include "probe/attempts.h"
#include "probe/way.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/bpf.h>
#include <linux/keyctl.h>
#include <linux/perf_event.h>
#include <linux/sched.h>
#include <sched.h>
#include <signal.h>
#include <string.h>
#include <sys/personality.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

#define X32_BIT 0x40000000UL /* asm/unistd.h, __X32_SYSCALL_BIT */

struct outcome try_x32(GIVEN)
{
	return outcome_of(syscall((long)(X32_BIT | SYS_getpid)));
}

struct outcome try_int80(GIVEN)
{
	long rc = 20; /* getpid in the i386 table, arch/x86/entry/syscalls/syscall_32.tbl */

	__asm__ volatile("int $0x80" : "+a"(rc) : : "memory", "r8", "r9", "r10", "r11");
	if (rc > 0)
		return outcome_allowed("getpid answered %ld", rc);
	return outcome_refused((int)-rc);
}

struct outcome try_unshare(GIVEN)
{
	return outcome_of(unshare((int)row->n));
}

static struct outcome reaped(long pid)
{
	const struct outcome outcome = outcome_of(pid);

	if (pid == 0)
		_exit(0);
	if (pid > 0)
		waitpid((pid_t)pid, NULL, __WALL);
	return outcome;
}

struct outcome try_clone(GIVEN)
{
	return reaped(syscall(SYS_clone, row->n | SIGCHLD, 0L, 0L, 0L, 0L));
}

struct outcome try_clone3(GIVEN)
{
	struct clone_args args = { .flags = row->n, .exit_signal = SIGCHLD };

	return reaped(syscall(SYS_clone3, &args, sizeof(args)));
}

struct outcome try_setns(GIVEN)
{
	int fd = way_open(row->path, O_RDONLY | O_CLOEXEC, 0);

	if (fd < 0)
		fd = (int)syscall(SYS_pidfd_open, getpid(), 0);
	return outcome_of(setns(fd, (int)row->n));
}

static void sleep_and_exit(void)
{
	alarm(5);
	for (;;)
		pause();
}

struct outcome try_ptrace_child(GIVEN)
{
	const pid_t pid = fork();

	if (pid < 0)
		return outcome_skipped("no second process can be made");
	if (pid == 0)
		sleep_and_exit();
	const struct outcome outcome = outcome_of(ptrace(PTRACE_SEIZE, pid, NULL, NULL));

	kill(pid, SIGKILL);
	waitpid(pid, NULL, __WALL);
	return outcome;
}

/* The process that started ward-probe: inside a PID namespace ward's own first process. */
static struct outcome no_parent(void)
{
	return outcome_skipped("the parent has no number in here");
}

struct outcome try_ptrace_parent(GIVEN)
{
	/* Seizing neither stops nor changes the other process, and ends with this one. */
	return scene_parent(scene) ?
		       outcome_of(ptrace(PTRACE_SEIZE, scene_parent(scene), NULL, NULL)) :
		       no_parent();
}

struct outcome try_vm_read_parent(GIVEN)
{
	char byte;
	const struct iovec here = { .iov_base = &byte, .iov_len = 1 };
	const struct iovec there = { .iov_base = (void *)8,
				     .iov_len = 1 }; /* never mapped: EFAULT */

	return scene_parent(scene) ?
		       outcome_past(process_vm_readv(scene_parent(scene), &here, 1, &there, 1, 0),
				    EFAULT, 0) :
		       no_parent();
}

struct outcome try_vm_write_parent(GIVEN)
{
	char byte = 0;
	const struct iovec here = { .iov_base = &byte, .iov_len = 1 };
	const struct iovec there = { .iov_base = (void *)8, .iov_len = 1 };

	return scene_parent(scene) ?
		       outcome_past(process_vm_writev(scene_parent(scene), &here, 1, &there, 1, 0),
				    EFAULT, 0) :
		       no_parent();
}

struct outcome try_kcmp_parent(GIVEN)
{
	enum { KCMP_VM_TYPE = 1 }; /* linux/kcmp.h */

	return scene_parent(scene) ? outcome_of(syscall(SYS_kcmp, scene_parent(scene), getpid(),
							KCMP_VM_TYPE, 0L, 0L)) :
				     no_parent();
}

struct outcome try_pidfd_getfd_parent(GIVEN)
{
	if (!scene_parent(scene))
		return no_parent();
	const int fd = (int)syscall(SYS_pidfd_open, scene_parent(scene), 0);

	return fd < 0 ? outcome_refused(errno) : outcome_of(syscall(SYS_pidfd_getfd, fd, 0, 0));
}

struct outcome try_bpf_reach(GIVEN)
{
	union bpf_attr attr;

	memset(&attr, 0, sizeof(attr));
	return outcome_past(syscall(SYS_bpf, 9999, &attr, sizeof(attr)), EINVAL, 0);
}

struct outcome try_bpf_map(GIVEN)
{
	union bpf_attr attr;

	memset(&attr, 0, sizeof(attr));
	attr.map_type = BPF_MAP_TYPE_ARRAY;
	attr.key_size = attr.value_size = attr.max_entries = 4;
	return outcome_of(syscall(SYS_bpf, BPF_MAP_CREATE, &attr, sizeof(attr)));
}

struct outcome try_perf(GIVEN)
{
	struct perf_event_attr attr = {
		.type = PERF_TYPE_SOFTWARE,
		.size = sizeof(attr),
		.config = PERF_COUNT_SW_DUMMY,
		.exclude_kernel = 1,
		.exclude_hv = 1,
	};

	return outcome_of(syscall(SYS_perf_event_open, &attr, 0, -1, -1, 0UL));
}

struct outcome try_userfaultfd(GIVEN)
{
	return outcome_of(syscall(SYS_userfaultfd, O_CLOEXEC | 1 /* UFFD_USER_MODE_ONLY */));
}

struct outcome try_io_uring(GIVEN)
{
	char params[120]; /* sizeof(struct io_uring_params), linux/io_uring.h */

	memset(params, 0, sizeof(params));
	return outcome_past(syscall(SYS_io_uring_setup, 0, params), EINVAL, 0);
}

struct outcome try_keyctl(GIVEN)
{
	return outcome_of(syscall(SYS_keyctl, KEYCTL_GET_KEYRING_ID, KEY_SPEC_PROCESS_KEYRING, 1));
}

struct outcome try_add_key(GIVEN)
{
	return outcome_of(
		syscall(SYS_add_key, "user", "ward-probe", "x", 1UL, KEY_SPEC_PROCESS_KEYRING));
}

struct outcome try_host_key(GIVEN)
{
	if (!scene->token)
		return outcome_skipped("no marker");
	return outcome_of(
		syscall(SYS_request_key, "user", scene->token, NULL, KEY_SPEC_PROCESS_KEYRING));
}

struct outcome try_personality(GIVEN)
{
	return outcome_of(syscall(SYS_personality, row->n));
}

struct outcome try_modify_ldt(GIVEN)
{
	char entry[16];

	return outcome_of(syscall(SYS_modify_ldt, 0, entry, 0UL));
}

struct outcome try_vmsplice(GIVEN)
{
	static const char page[] = "x";
	const struct iovec from = { .iov_base = (void *)(uintptr_t)page, .iov_len = 1 };
	int ends[2];

	if (pipe2(ends, O_CLOEXEC) < 0)
		return outcome_refused(errno);
	return outcome_of(vmsplice(ends[1], &from, 1, SPLICE_F_NONBLOCK));
}

struct outcome try_handle(GIVEN)
{
	struct {
		struct file_handle handle;
		unsigned char bytes[MAX_HANDLE_SZ];
	} at = { .handle = { .handle_bytes = MAX_HANDLE_SZ } };
	int mount_id;

	const int dir = way_open("/", O_RDONLY | O_DIRECTORY | O_CLOEXEC, 0);
	if (name_to_handle_at(AT_FDCWD, "/", &at.handle, &mount_id, 0) < 0)
		return outcome_refused(errno);
	if (row->n == 0)
		return outcome_allowed("a handle of %u bytes", at.handle.handle_bytes);
	return outcome_past(open_by_handle_at(dir, &at.handle, O_PATH | O_CLOEXEC), ESTALE, EBADF);
}

struct outcome try_listmount(GIVEN)
{
	/* struct mnt_id_req and LSMT_ROOT of linux/mount.h, newer than Debian 12's headers */
	const struct {
		uint32_t size, spare;
		uint64_t mnt_id, param;
	} request = { .size = 24, .mnt_id = UINT64_MAX };
	uint64_t ids[4];

	return outcome_of(syscall(458 /* listmount */, &request, ids, 4UL, 0));
}

struct outcome try_fanotify(GIVEN)
{
	return outcome_of(syscall(SYS_fanotify_init, 4 /* FAN_CLASS_CONTENT */, O_RDONLY));
}

struct outcome try_cachestat(GIVEN)
{
	const uint64_t range[2] = { 0, 4096 };
	uint64_t stat[5];

	const int fd = scene->self ? way_open(scene->self, O_RDONLY | O_CLOEXEC, 0) : -1;
	if (fd < 0)
		return outcome_skipped("nothing readable");
	return outcome_of(syscall(451 /* cachestat */, fd, range, stat, 0));
}
