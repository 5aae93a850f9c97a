/* Finds out what this kernel and user can do. Fast facts for every run; doctor tries each in a child. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

/* Plain numbers, so that mech stays ignorant of the model: cmd copies them into struct host. */
struct probe {
	uint32_t kernel, landlock_abi, uid, gid;
	bool root, may_setuid, userns, seccomp_notify, core_sched, smt, mdwe, spec_store, spec_branch;
	bool timens, cgroupns, idmap;
	bool cgroup_v2;
	uint32_t cgroup_limits;         /* CGROUP_BIT */
	char cgroup_why[160], userns_why[160];
};

/* Facts without forking: prctl, landlock_create_ruleset(VERSION), capget, sysctls, statfs. A few
 * system calls and no directory walk: it is part of every run. */
void probe_fast(struct probe *out);

/* "6.8.0-45-generic" is 0x060800; 0 when it is no release. */
uint32_t probe_kernel(const char *release);

/* The number a kernel file holds; `otherwise` when there is no such file or no number in it. */
long probe_number(const char *path, long otherwise);

/* One primitive tried for real, in a child. */
struct probe_item {
	const char *name;       /* "user namespace", "cgroup memory", "landlock files" */
	int works;              /* 1 yes, 0 no, -1 could not be tried */
	char detail[160];       /* the version, the limit; or the cause */
	char fix[160];          /* what the operator can do */
	bool container, process;/* needed by these boundaries */
};

/* Tries everything; returns the number of items, at most cap. Leaves nothing behind. */
size_t probe_try(struct probe_item *items, size_t cap);
