/* What this host and user can do. Filled by mech/probe, or by hand in a test. Pure data. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

enum host_cgroup { HOST_CGROUP_NONE, HOST_CGROUP_V1, HOST_CGROUP_V2 };

struct host {
	uint32_t kernel;          /* 6.8.0 is 0x060800 */
	uint32_t landlock_abi;    /* 0 = absent or switched off */
	uint32_t uid, gid;        /* of the caller */
	uint32_t box_id;          /* uid and gid outside that no other box has, when the caller may choose */
	uint32_t tasks;           /* of the caller's user, where RLIMIT_NPROC would count them too */
	bool root;                /* uid 0 with CAP_SYS_ADMIN, CAP_SETUID, CAP_SETGID */
	bool may_setuid;          /* CAP_SETUID and CAP_SETGID: another identity can be taken */
	bool userns;              /* a user namespace can be made and mapped */
	bool monitor;             /* a ward-monitor answers */
	bool seccomp_notify;      /* a listener can be had */
	bool core_sched;          /* PR_SCHED_CORE works */
	bool smt;                 /* cores are shared by threads */
	bool mdwe;                /* PR_SET_MDWE, Linux 6.3 */
	bool spec_store, spec_branch;   /* PR_SET_SPECULATION_CTRL can be narrowed (or is moot) */
	bool timens, cgroupns;
	bool idmap;               /* idmapped mounts (mount_setattr, Linux 5.12) */
	enum host_cgroup cgroup;  /* where limits can be set by this caller */
	uint32_t cgroup_limits;   /* bit mask of 1 << enum plan_limit */
	char cgroup_why[160];     /* cause and fix when limits are missing */
	char userns_why[160];
	char engine[256];         /* path of ward-v8; "" = none */
	const char *engine_libs;  /* directory of its libraries beside the system's; "" = none */
	char engine_why[160];
	char runsc[256];          /* path of gVisor's runsc; "" = none */
	char runsc_jailer[256];   /* path of ward-runsc, which starts it inside a box */
	char runsc_why[160];
};
