/* What cannot be taken back is tried in a child. Include it behind cmocka.h. */
#pragma once

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/err.h"

/* A sanitizer makes calls of its own and handles signals: nothing to be confined to a few calls. */
#ifdef __SANITIZE_ADDRESS__
#define CHILD_SANITIZED true
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define CHILD_SANITIZED true
#endif
#endif
#ifndef CHILD_SANITIZED
#define CHILD_SANITIZED false
#endif

#define CHILD_CANNOT 77 /* this host lacks what the test needs; the reason was printed */

/* In the child, where cmocka's own asserts would jump out of the wrong process. */
#define EXPECT(truth) \
	do { \
		if (!(truth)) { \
			dprintf(2, "%s:%d: %s (errno: %s)\n", __FILE__, __LINE__, #truth, strerror(errno)); \
			_exit(1); \
		} \
	} while (0)

_Noreturn static inline void child_cannot(const char *why)
{
	dprintf(2, "skipped: %s (%s)\n", why, strerror(errno));
	_exit(CHILD_CANNOT);
}

/* The wait status of a process that runs body and ends with 0 behind it. */
static inline int child_status(void (*body)(void))
{
	int status = -1;
	const pid_t pid = fork();

	assert_true(pid >= 0);
	if (pid == 0) {
		body();
		_exit(0);
	}
	while (waitpid(pid, &status, 0) < 0)
		assert_int_equal(errno, EINTR);
	return status;
}

static inline void child_succeeds(void (*body)(void))
{
	const int status = child_status(body);

	if (WIFEXITED(status) && WEXITSTATUS(status) == CHILD_CANNOT)
		skip();
	if (WIFSIGNALED(status))
		fail_msg("the child was ended by signal %d", WTERMSIG(status));
	assert_int_equal(WEXITSTATUS(status), 0);
}

static inline void child_is_killed(void (*body)(void), int signal)
{
	const int status = child_status(body);

	if (WIFEXITED(status) && WEXITSTATUS(status) == CHILD_CANNOT)
		skip();
	assert_true(WIFSIGNALED(status));
	assert_int_equal(WTERMSIG(status), signal);
}

static inline void child_writes(const char *path, const char *text)
{
	const int fd = open(path, O_WRONLY | O_CLOEXEC);

	if (fd < 0 || write(fd, text, strlen(text)) != (ssize_t)strlen(text))
		child_cannot(path);
	close(fd);
}

/* This process becomes root of a user namespace of its own, with `flags` of the other kinds. */
static inline void child_enter_namespaces(int flags)
{
	const unsigned uid = geteuid(), gid = getegid();
	char line[64];

	if (unshare(CLONE_NEWUSER | flags) < 0)
		child_cannot("no user namespace can be made");
	child_writes("/proc/self/setgroups", "deny");
	snprintf(line, sizeof(line), "0 %u 1", uid);
	child_writes("/proc/self/uid_map", line);
	snprintf(line, sizeof(line), "0 %u 1", gid);
	child_writes("/proc/self/gid_map", line);
}
