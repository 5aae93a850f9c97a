/* An untrusted C program: counts primes, and asks the kernel for what it should not get.
 *
 * Everything it tries is harmless where it succeeds. Each try is one line for examples/contained.py, as in
 * words.py. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#define AF_CRYPTO 38    /* AF_ALG: the kernel's ciphers */

static void tried(const char *what, const char *call, const char *path, long result)
{
	printf("tried: %s | %s | %s | %s\n", what, call, path, result < 0 ? strerrorname_np(errno) : "possible");
}

static unsigned count_primes(unsigned below)
{
	char *composite = calloc(below, 1);
	unsigned n = 0;

	for (unsigned i = 2; composite && i < below; i++) {
		if (composite[i])
			continue;
		n++;
		for (unsigned long j = (unsigned long)i * i; j < below; j += i)
			composite[j] = 1;
	}
	free(composite);
	return n;
}

int main(void)
{
	char place[] = "primes-XXXXXX";
	unsigned below = 0;

	if (scanf("%u", &below) != 1)
		return 1;
	printf("work: %u primes below %u\n", count_primes(below), below);
	if (!mkdtemp(place))
		strcpy(place, "no-such-place");
	tried("mount a file system", "mount", "-", mount("none", place, "tmpfs", 0, NULL));
	tried("make a block device", "mknodat", "-", mknodat(AT_FDCWD, "disk", S_IFBLK | 0600, makedev(8, 0)));
	tried("change its root", "chroot", "-", chroot(place));
	tried("make a user namespace", "unshare", "-", unshare(CLONE_NEWUSER));
	tried("become root", "setuid", "-", setuid(0));
	tried("set the host's name", "sethostname", "-", sethostname("primes", 6));
	tried("use the kernel's keyring", "keyctl", "-", syscall(SYS_keyctl, 0, -3, 0, 0, 0));
	tried("use io_uring", "io_uring_setup", "-", syscall(SYS_io_uring_setup, 1, NULL));
	tried("use the kernel's ciphers", "socket", "-", socket(AF_CRYPTO, SOCK_SEQPACKET, 0));
	tried("capture packets", "socket", "-", socket(AF_PACKET, SOCK_RAW, 0));
	tried("make a terminal of the host", "openat", "/dev/ptmx", open("/dev/ptmx", O_RDWR | O_NOCTTY));
	return 0;
}
