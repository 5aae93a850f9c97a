#pragma once

#include <stdbool.h>
#include <stddef.h>

/* One question to the kernel. The probe runs in a child of its own, so it may change namespaces,
 * lose privileges or die; it answers once through say(). */
struct fact {
	const char *name;
	const char
	    *since; /* mainline release that brought it, "" where it is not about a release */
	void (*probe)(void);
};

extern const struct fact mount_facts[], cgroup_facts[], process_facts[], seccomp_facts[];

/* Prints the answer; errno is named when yes is false and text is NULL. */
__attribute__((format(printf, 2, 3))) void say(bool yes, const char *text, ...);

/* Says yes if rc >= 0, else no and the name of errno. */
void say_rc(long rc);

/* Enters a new user namespace plus flags, mapped to root inside; false with errno. */
bool enter_userns(int flags);

/* Writes text to a file in one write; false with errno. */
bool put_file(const char *path, const char *text);

/* Reads the first line of a file, without the newline; "absent" if it cannot be read. */
const char *get_line(const char *path, char *out, size_t cap);

/* Runs what in a child and returns its exit status, or -1. */
int in_child(int (*what)(void *), void *with);
