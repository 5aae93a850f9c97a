/* What ward knows of x86-64 system calls: numbers, names, the width of each argument, the groups
 * policies are written in, and the constants their arguments may be compared with. Pure tables. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct filter_row;

/* No call of x86-64 has this number or a higher one. */
#define SYSCALLS_NUMBERS 512

/* This bit of a number says that the call is one of the x32 ABI: asm/unistd.h, __X32_SYSCALL_BIT. */
#define SYSCALLS_X32 0x40000000u

/* -1 when unknown. */
int syscalls_number(const char *name);

/* NULL when unknown. */
const char *syscalls_name(uint32_t nr);

/* Bytes of argument arg (0..5) the kernel looks at: 4 (int, unsigned, fd, flags), 8 (long, size,
 * pointer) or 2 (umode_t: the kernel throws the rest away). 8 for arguments a call does not have
 * and for unknown calls. */
unsigned syscalls_arg_bytes(uint32_t nr, unsigned arg);

/* Whether argument arg is an address: comparing it tells nothing of what lies there. */
bool syscalls_arg_is_pointer(uint32_t nr, unsigned arg);

/* How often a call is made by ordinary programs, 0 = rare .. 255 = all the time; shapes the
 * filter's tree. */
unsigned syscalls_heat(uint32_t nr);

/* A named constant ("TCGETS", "AF_UNIX", "PR_SET_NAME"); false when unknown. */
bool syscalls_constant(const char *name, uint64_t *value);

/* The constant that an argument with this value is shown as ("TCGETS"), also a name rules may use; NULL
 * when there is none of that value alone. */
const char *syscalls_value_name(uint32_t nr, unsigned arg, uint64_t value);

/* The group "@name" (with the @): its rows, in order; NULL when unknown. The rows have no origin
 * and line; a group may include another by expansion at build time of the table. */
const struct filter_row *syscalls_group(const char *name, size_t *n_rows);

/* For completion, documentation and "nearest known name": the i-th name, NULL past the end. */
const char *syscalls_group_at(size_t i);
const char *syscalls_group_summary(const char *name);
const char *syscalls_name_at(size_t i);

/* How an argument is shown: the letter of syscalls.def; '-' when the call has no such argument. */
char syscalls_arg_class(uint32_t nr, unsigned arg);

/* Formats a call for people: "socket(AF_ALG, SOCK_SEQPACKET, 0)", "ioctl(0, TIOCSTI, 0x7ffe...)".
 * out is always terminated. */
void syscalls_format(uint32_t nr, const uint64_t args[6], char *out, size_t cap);

/* One argument the same way, cut to its width: "AF_ALG", "PROT_READ|PROT_EXEC", "0x1f". */
void syscalls_format_arg(uint32_t nr, unsigned arg, uint64_t value, char *out, size_t cap);

/* How many arguments the call has; 6 when it is unknown. */
unsigned syscalls_arg_count(uint32_t nr);

/* socket(2) and socketpair(2). Whatever else gives a process one takes one that is there (accept, a message), or is refused
 * by the floor (io_uring, pidfd_getfd). */
bool syscalls_makes_socket(uint32_t nr);
