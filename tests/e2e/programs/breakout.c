/* Stands where the engine would: what native code can still reach after it has broken out of it. Writes one line
 * for each thing that worked, and nothing for what did not. argv as ward gives it to the engine. */
#define _GNU_SOURCE
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

static void opens(const char *path, int flags)
{
	const int fd = open(path, flags, 0600);

	if (fd >= 0)
		dprintf(1, "opened %s\n", path);
	close(fd);
}

static void works(long result, const char *what)
{
	if (result >= 0)
		dprintf(1, "%s\n", what);
}

int main(int argc, char **argv)
{
	char *const shell[] = { "sh", "-c", "echo executed", NULL };

	/* The control: this much it has, or the rest would prove nothing. */
	opens("/guest/0/file", O_RDONLY);
	for (int i = 1; i < argc; i++) /* the host's own names, which the test hands over as the guest's arguments */
		if (*argv[i] == '/' && strcmp(argv[i], "/ward/module.wasm") != 0)
			opens(argv[i], O_RDONLY);
	for (size_t i = 0; i < 7; i++)
		opens((const char *const[]){ "/etc/passwd", "/bin/sh", "/proc/self/mem", "/sys/kernel", "/guest/0/../../etc/passwd",
					     "/root", "/home" }[i], O_RDONLY);
	opens("/guest/0/file", O_WRONLY);
	opens("/guest/0/new", O_WRONLY | O_CREAT);
	opens("/new", O_WRONLY | O_CREAT);
	opens("/ward/ward-v8", O_WRONLY);
	works(syscall(SYS_socket, AF_INET, SOCK_STREAM, 0), "socket");
	works(syscall(SYS_socket, AF_UNIX, SOCK_STREAM, 0), "socket");
	works(syscall(SYS_clone, SIGCHLD, 0, 0, 0, 0), "clone");
	works(syscall(SYS_fork), "fork");
	works(syscall(SYS_unshare, CLONE_NEWUSER), "unshare");
	works(syscall(SYS_ptrace, PTRACE_TRACEME, 0, 0, 0), "ptrace");
	works(syscall(SYS_kill, 1, 0), "kill");
	works(syscall(SYS_mount, "none", "/guest", "tmpfs", 0, NULL), "mount");
	works(syscall(SYS_chroot, "/guest"), "chroot");
	works(syscall(SYS_memfd_create, "x", 0), "memfd");
	works(syscall(SYS_bpf, 0, NULL, 0), "bpf");
	works(syscall(SYS_setuid, 0), "setuid");
	works(syscall(SYS_io_uring_setup, 1, NULL), "io_uring");
	execv("/bin/sh", shell);
	execv("/usr/bin/sh", shell);
	return 0;
}
