/* Starts ward and takes nothing from it but its exit code and its last line. The descriptors that it gets are its
 * own; the caller's others stay here. */
#include "plugin/spawn.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/mem.h"

#define LIFTED     16   /* above what a child gets */
#define LAST_WORDS 4096
#define WORDS_MOST 40

static int add_files(const struct spawn *how, posix_spawn_file_actions_t *files)
{
	int rc = posix_spawn_file_actions_adddup2(files, how->policy, STDIN_FILENO);

	rc = rc ? rc : posix_spawn_file_actions_adddup2(files, how->errors, STDERR_FILENO);
	if (how->output < 0)
		rc = rc ? rc : posix_spawn_file_actions_addopen(files, STDOUT_FILENO, "/dev/null", O_WRONLY, 0);
	else
		rc = rc ? rc : posix_spawn_file_actions_adddup2(files, how->output, STDOUT_FILENO);
	for (size_t i = 0; i < how->n_pass; i++)
		rc = rc ? rc : posix_spawn_file_actions_adddup2(files, how->pass[i], SPAWN_FIRST + (int)i);
	return rc ? rc : posix_spawn_file_actions_addclosefrom_np(files, SPAWN_FIRST + (int)how->n_pass);
}

/* A Ctrl-C at the caller's terminal is the caller's. */
static void set_how(posix_spawnattr_t *how)
{
	sigset_t none, all;

	sigemptyset(&none);
	sigfillset(&all);
	posix_spawnattr_init(how);
	posix_spawnattr_setflags(how, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETPGROUP);
	posix_spawnattr_setsigmask(how, &none);
	posix_spawnattr_setsigdefault(how, &all);
	posix_spawnattr_setpgroup(how, 0);
}

static int start(const struct spawn *how, pid_t *out, struct err *e)
{
	static char path[] = "PATH=/usr/bin:/bin", language[] = "LC_ALL=C.UTF-8";
	static char *const environment[] = { path, language, NULL };
	posix_spawn_file_actions_t files;
	posix_spawnattr_t attributes;
	char *argv[WORDS_MOST + 1] = { NULL };
	size_t n = 0;

	for (; how->words[n]; n++)
		assert(n < WORDS_MOST);
	memcpy(argv, how->words, n * sizeof(*argv)); /* posix_spawn(3) does not write to them */
	posix_spawn_file_actions_init(&files);
	set_how(&attributes);
	errno = add_files(how, &files);
	if (!errno)
		errno = posix_spawn(out, how->ward, &files, &attributes, argv, environment);
	const int rc = errno;
	posix_spawn_file_actions_destroy(&files);
	posix_spawnattr_destroy(&attributes);
	errno = rc;
	return rc ? err_sys(e, "%.200s", how->ward) : 0;
}

/* A descriptor above those that the child gets, so that no dup2 of it treads on another. */
static int lift(int fd, struct err *e)
{
	const int higher = fcntl(fd, F_DUPFD_CLOEXEC, LIFTED);

	return higher < 0 ? err_sys(e, "dup") : higher;
}

int spawn_ward(const struct spawn *how, pid_t *out, struct err *e)
{
	struct spawn lifted = *how;
	OWN_FD int policy = lift(how->policy, e);
	OWN_FD int errors = policy < 0 ? -1 : lift(how->errors, e);
	OWN_FD int output = errors < 0 || how->output < 0 ? -1 : lift(how->output, e);
	int rc = errors < 0 || (how->output >= 0 && output < 0) ? -1 : 0;
	size_t n = 0;

	assert(how->n_pass <= SPAWN_PASS);
	lifted.policy = policy;
	lifted.errors = errors;
	lifted.output = output;
	for (; rc == 0 && n < how->n_pass; n++) {
		lifted.pass[n] = lift(how->pass[n], e);
		if (lifted.pass[n] < 0) {
			rc = -1;
			break;
		}
	}
	if (rc == 0)
		rc = start(&lifted, out, e);
	while (n)
		fd_close(lifted.pass[--n]);
	return rc;
}

int spawn_wait(pid_t pid)
{
	int status;

	while (waitpid(pid, &status, 0) != pid)
		if (errno != EINTR)
			return -1;
	return status;
}

int spawn_text(const char *name, const void *bytes, size_t len, struct err *e)
{
	OWN_FD int fd = fd_sealed(name, bytes, len, e);

	return fd >= 0 && lseek(fd, 0, SEEK_SET) < 0 ? err_sys(e, "lseek") : TAKE_FD(fd);
}

void spawn_last_words(int errors_fd, char *out, size_t cap)
{
	char text[LAST_WORDS + 1];
	const off_t size = lseek(errors_fd, 0, SEEK_END), from = size > LAST_WORDS ? size - LAST_WORDS : 0;
	ssize_t n = size > 0 ? pread(errors_fd, text, LAST_WORDS, from) : 0;

	while (n > 0 && text[n - 1] == '\n')
		n--;
	text[n > 0 ? n : 0] = '\0';
	const char *const line = strrchr(text, '\n');
	snprintf(out, cap, "%.*s", (int)cap - 1, line ? line + 1 : text);
}
