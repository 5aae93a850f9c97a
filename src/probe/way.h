/* The system calls by which attempts open, look and change. An attempt must fail because of what it attempts, and
 * not because it was made by a call that happens to be missing where another one, that is there, does the same:
 * so a program that tries has one of two sets. way.c: the calls that programs use; way_sealed.c: those that an
 * engine's process keeps (model/engine_calls.def). */
#pragma once

#include <dirent.h>
#include <stdbool.h>
#include <sys/types.h>

/* Each as the call of that name, with -1 and errno. */
int way_open(const char *path, int flags, mode_t mode);
DIR *way_opendir(const char *path);
ssize_t way_read(int fd, void *out, size_t n);
ssize_t way_pread(int fd, void *out, size_t n, off_t at);
ssize_t way_pwrite(int fd, const void *bytes, size_t n, off_t at);
int way_dup(int fd);
int way_mkdir(const char *path, mode_t mode);
int way_rmdir(const char *path);
int way_unlink(const char *path);
int way_symlink(const char *target, const char *path);
int way_link(const char *from, const char *to);
int way_exists(const char *path);
int way_make_file(const char *path);
int way_kill(pid_t pid, int signal);

/* 0: it has no number in here. */
pid_t way_parent(void);

/* So that a limit is an errno and no end. */
void way_ignore(int signal);
