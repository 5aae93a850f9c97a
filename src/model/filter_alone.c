#include "model/filter_alone.h"

#include <errno.h>
#include <sched.h>
#include <sys/syscall.h>

void filter_add_alone(struct filter_set *set, uint32_t self)
{
	const struct filter_row rows[] = {
		/* A thread in a namespace of its own is refused by the kernel as well. */
		{ .nr = SYS_clone, .act = FILTER_ALLOW, .n_tests = 1,
		  .tests = { { 0, FILTER_EQ, CLONE_THREAD | FILTER_NAMESPACES, CLONE_THREAD } } },
		/* Its arguments lie in memory; libc then uses clone(), whose flags can be seen. */
		{ .nr = SYS_clone3, .act = FILTER_ERRNO, .sys = ENOSYS, .quiet = true },
		{ .nr = SYS_kill, .act = FILTER_ALLOW, .n_tests = 1, .tests = { { 0, FILTER_EQ, UINT32_MAX, self } } },
		{ .nr = SYS_tgkill, .act = FILTER_ALLOW, .n_tests = 1, .tests = { { 0, FILTER_EQ, UINT32_MAX, self } } },
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		filter_add(set, &rows[i]);
}
