/* What one layer alone refuses, and why that is accepted. SECURITY.md quotes this table. */
#include <string.h>

#include "base/mem.h"
#include "judge/selftest.h"

#define L(layer) LAYER_BIT(LAYER_##layer)
#define G(guard) LAYER_BIT(GUARD_##guard)
#define OWN_TREE (L(MOUNTNS) | L(ROOTFS))

/* .ids: words with a blank before and after each. */
static const struct {
	uint32_t claimants;
	uint64_t layers;
	const char *ids, *reason;
} residuals[] = {
	{ CLAIM_BOTH, L(CAPS), " caps-held caps-bounding ",
	  "the layer's own state; what the rights would do is in the other rows" },
	{ CLAIM_BOTH, L(NNP), " new-privs ",
	  "the layer's own state; setuid-file and filecap-file show that there is nothing to "
	  "gain" },
	{ CLAIM_CONTAINER, L(IDENTITY), " proc1-fd proc-mounts ",
	  "as root outside the box's first process can be looked at, which holds one socket and "
	  "no right" },
	{ CLAIM_BOTH, L(IDENTITY), " root-id ",
	  "the layer's own state; being that user gives no right while the other layers stand" },
	{ CLAIM_BOTH, L(SPEC) | L(CORE_SCHED) | L(TSC),
	  " spec-store spec-branch core-cookie tsc tscp ",
	  "a setting of the processor has no second guard; no layer closes every channel of time" },
	{ CLAIM_CONTAINER, L(SESSION), " session process-group ",
	  "being in the session gives nothing: its terminal cannot be opened, typed into or "
	  "named, and signals to the group end at the PID namespace" },
	{ CLAIM_CONTAINER, L(TIMENS) | L(UTSNS) | L(CGROUPNS), " uptime host-name cgroup-path ",
	  "knowledge of the host only; nothing can be done with it" },
	{ CLAIM_CONTAINER, L(CAPS), " filecap-set ",
	  "such rights count in the box's user namespace alone, and no mount of the box honours "
	  "them" },
	{ CLAIM_BOTH, L(SECCOMP), " personality-exec personality-wide personality-aslr ",
	  "weakens the program's own defences, nobody else's" },
	{ CLAIM_BOTH, L(SECCOMP), " cachestat ",
	  "tells which pages of a file the user owns are in memory" },
	{ CLAIM_CONTAINER, OWN_TREE,
	  " secret-list secret-stat secret-path secret-chdir secret-watch list-root-home "
	  "list-home list-var list-run list-boot list-srv list-ssh sys-list sys-firmware "
	  "cgroupfs-list strange-device kernel-mounts suid-mounts dev-mounts ",
	  "names and metadata: Landlock judges the opening of files, not looking at them or "
	  "passing through directories" },
	{ CLAIM_CONTAINER, OWN_TREE, " secret-chmod secret-time secret-xattr ",
	  "only files that belong to ward's own user, when ward is not root: Landlock does not "
	  "judge metadata" },
	{ CLAIM_CONTAINER, OWN_TREE, " machine-id shm-file disk inodes scratch-left ",
	  "Landlock's rules name places: when the tree is the host's, /etc, /dev/shm and /tmp "
	  "mean the host's, with what every user may do there" },
	{ CLAIM_CONTAINER, OWN_TREE, " unix-socket ",
	  "Landlock does not judge connecting to a socket by path" },
	{ CLAIM_CONTAINER, OWN_TREE | L(PIDNS) | L(PROC),
	  " proc-kallsyms proc-keys proc-interrupts proc-config proc-cmdline proc-iomem "
	  "proc-mounts proc-bus proc-timers proc-modules boot-id ",
	  "text of the kernel that every user of the host may read; nothing there can be written" },
	{ CLAIM_CONTAINER, OWN_TREE | L(PIDNS), " proc-host proc-foreign host-named ",
	  "a process of the host can be named, not signalled, traced or read" },
	{ CLAIM_CONTAINER, L(IPCNS), " shm-marker sem-marker msg-marker shm-left ",
	  "only under a policy that allows System V calls, as build does: the host's objects are "
	  "then guarded by their permission bits alone" },
	{ CLAIM_CONTAINER, L(RLIMITS), " open-files file-size ",
	  "files and descriptors are memory of the box, whose limit holds" },
	{ CLAIM_CONTAINER, L(RLIMITS), " memory memory-file pids cpu cpu-split ",
	  "only where no cgroup can be had and the policy names the fallback rlimits" },
	{ CLAIM_CONTAINER, L(CG_MEMORY), " memory memory-file ",
	  "the limit of each process lies further out, so that the box's verdict comes first" },
	{ CLAIM_CONTAINER, L(CG_PIDS), " pids ",
	  "the limit by user lies a few processes further out" },

	{ CLAIM_PROCESS, L(LANDLOCK),
	  " secret-read secret-dotdot secret-self-root secret-write secret-truncate secret-list "
	  "secret-create secret-exec machine-id etc-shadow list-root-home list-home list-var "
	  "list-run list-boot list-srv list-ssh granted-write granted-replace dev-kmsg "
	  "dev-loop-control dev-kvm dev-fuse dev-tun dev-vsock dev-userfaultfd dev-console "
	  "dev-tty0 dev-serial dev-ptmx proc1-fd parent-environ parent-mem proc-foreign "
	  "proc-kallsyms proc-keys proc-timers proc-interrupts proc-modules proc-config "
	  "proc-cmdline proc-iomem proc-bus sys-list sys-debug sys-firmware cgroupfs-list "
	  "shm-file self-mem tty-open tty-group abstract-socket ",
	  "this boundary has no mounts: Landlock alone stands before what the user may open" },
	{ CLAIM_PROCESS, L(LANDLOCK), " host-signal host-sigqueue parent-signal ",
	  "this boundary has no PID namespace: Landlock alone keeps signals to other processes "
	  "of the user" },
	{ CLAIM_PROCESS, L(SECCOMP),
	  " secret-chmod secret-time secret-xattr secret-watch udp-loopback route interfaces "
	  "unix-socket shm-marker sem-marker msg-marker mq-marker shm-left "
	  "host-priority rlimit-parent ",
	  "this boundary has no namespaces: what Landlock does not judge, the filter alone "
	  "refuses" },
	{ CLAIM_PROCESS, L(CAPS), " filecap-file ",
	  "with the bounding set full a file's capabilities count, on the host's mounts; the "
	  "emptied sets are read back before the program starts" },
	{ CLAIM_PROCESS, L(NNP), " setuid-file ",
	  "this boundary shows the host's mounts, which honour set-user-ID bits" },
	{ CLAIM_PROCESS, L(IDENTITY), " pids ",
	  "limits by user do not bind the host's root, and there is no cgroup" },
	{ CLAIM_PROCESS, L(RLIMITS), " memory pids cpu open-files file-size ",
	  "this boundary has no cgroup: limits hold per process" },
	{ CLAIM_ENGINE, G(ENGINE) | G(SEAL), " write-exec-map write-exec-protect write-exec-pkey ",
	  "the engine's process makes machine code, that is its work; a guest has none of its own. What code may call "
	  "there is the seal's and the box's business" },
	{ CLAIM_ENGINE, G(ENGINE), " tsc tscp clock-fine ",
	  "a guest's clocks tick in milliseconds because the engine says so; native code has the processor's counter and "
	  "the kernel's clocks" },
	{ CLAIM_GVISOR, G(KERNEL),
	  " strange-device dev-fuse dev-tun proc-cmdline proc-mounts kernel-mounts sys-list oom-score nice-up ",
	  "gVisor's own devices, processes and text: the host has no part in them" },
	{ CLAIM_GVISOR, G(KERNEL), " suid-mounts dev-mounts ",
	  "the program never gains rights by executing a file, whatever its mode, and a device node of gVisor's is one of "
	  "its own devices" },
	{ CLAIM_GVISOR, G(KERNEL), " inodes ",
	  "gVisor's file systems count bytes and not files; each file is memory of the box, whose limit holds" },
	{ CLAIM_GVISOR, G(GVISOR), " clone-user clone-all ptrace-child ",
	  "runsc makes namespaces and traces its own: rights over what is in the box, and more of the host's kernel in reach" },
	{ CLAIM_GVISOR, G(GVISOR),
	  " proc-kallsyms proc-keys proc-interrupts proc-config proc-cmdline proc-iomem proc-mounts proc-bus proc-modules "
	  "proc-timers boot-id ",
	  "the jail's /proc is whole, because runsc mounts its own: text of the kernel that every user of the host may read; "
	  "nothing there can be written" },
	{ CLAIM_GVISOR, G(GVISOR), " open-files file-size ",
	  "limits of each process are kept by gVisor's kernel; files and descriptors are memory of the box, whose limit holds" },
	{ CLAIM_GVISOR, G(GVISOR), " pids ",
	  "the limit of the box has room for the tasks of runsc, six for each process of the program's" },
	{ CLAIM_BOTH, L(DUMP), " core-dump ",
	  "a core stays within the limits of files; a host that pipes cores to a program would "
	  "start it" },
};

static bool names(const char *ids, const char *id)
{
	const size_t len = strlen(id);

	for (const char *at = ids; (at = strstr(at, id)); at += len)
		if (at[-1] == ' ' && at[len] == ' ')
			return true;
	return false;
}

const char *selftest_residual(uint32_t claimant, const struct attempt_row *row, enum layer layer)
{
	for (size_t i = 0; i < ARRAY_SIZE(residuals); i++)
		if ((residuals[i].claimants & claimant) &&
		    (residuals[i].layers & LAYER_BIT(layer)) && names(residuals[i].ids, row->id))
			return residuals[i].reason;
	return NULL;
}
