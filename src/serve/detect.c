/* Signals and their weight. Refuses to call suspicious what an interpreter or a compiler does by itself: clone3,
 * io_uring_setup, routing sockets and the like are answered in the filter, and are never heard of here. */
#include "serve/detect.h"

#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/personality.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/syscall.h>

#include "model/filter.h"
#include "model/syscalls.h"

#define STORM 2000u
#define FLOOD 100000u
#define FORKS 20u
#define OOMS  4u
#define OUTPUT (UINT64_C(64) << 20)

static const struct {
	const char *name, *title;
	uint32_t weight;
} signals[] = {
#define SIGNAL(id, name, weight, title) { name, title, weight },
#include "serve/signal.def"
#undef SIGNAL
};

const char *signal_name(enum signal_kind kind)
{
	return kind < SIGNALS ? signals[kind].name : NULL;
}

const char *signal_title(enum signal_kind kind)
{
	return kind < SIGNALS ? signals[kind].title : NULL;
}

uint32_t signal_weight(enum signal_kind kind)
{
	return kind < SIGNALS ? signals[kind].weight : 0;
}

/* -- calls -- */

/* Tests of one argument's low word; the first row that holds decides. */
enum test { ALWAYS, IS, HAS };
static const struct tripwire {
	uint16_t nr;
	uint8_t kind, arg, test;
	uint32_t value;
} tripwires[] = {
	{ SYS_ptrace, SIGNALS, 0, IS, PTRACE_TRACEME },        /* of itself: asks its parent to look */
	{ SYS_ptrace, SIGNAL_PTRACE, 0, ALWAYS, 0 },
	{ SYS_process_vm_readv, SIGNAL_PROCESS_VM, 0, ALWAYS, 0 },
	{ SYS_process_vm_writev, SIGNAL_PROCESS_VM, 0, ALWAYS, 0 },
	{ SYS_pidfd_getfd, SIGNAL_PROCESS_VM, 0, ALWAYS, 0 },
	{ SYS_mount, SIGNAL_MOUNT, 0, ALWAYS, 0 },
	{ SYS_umount2, SIGNAL_MOUNT, 0, ALWAYS, 0 },
	{ SYS_move_mount, SIGNAL_MOUNT, 0, ALWAYS, 0 },
	{ SYS_open_tree, SIGNAL_MOUNT, 0, ALWAYS, 0 },
	{ SYS_fsopen, SIGNAL_MOUNT, 0, ALWAYS, 0 },
	{ SYS_fsconfig, SIGNAL_MOUNT, 0, ALWAYS, 0 },
	{ SYS_fsmount, SIGNAL_MOUNT, 0, ALWAYS, 0 },
	{ SYS_fspick, SIGNAL_MOUNT, 0, ALWAYS, 0 },
	{ SYS_mount_setattr, SIGNAL_MOUNT, 0, ALWAYS, 0 },
	{ SYS_setns, SIGNAL_NAMESPACE, 0, ALWAYS, 0 },
	{ SYS_unshare, SIGNAL_NAMESPACE, 0, HAS, FILTER_NAMESPACES },
	{ SYS_clone, SIGNAL_NAMESPACE, 0, HAS, FILTER_NAMESPACES },
	{ SYS_pivot_root, SIGNAL_ROOT, 0, ALWAYS, 0 },
	{ SYS_chroot, SIGNAL_ROOT, 0, ALWAYS, 0 },
	{ SYS_bpf, SIGNAL_BPF, 0, ALWAYS, 0 },
	{ SYS_add_key, SIGNAL_KEYRING, 0, ALWAYS, 0 },
	{ SYS_request_key, SIGNAL_KEYRING, 0, ALWAYS, 0 },
	{ SYS_keyctl, SIGNAL_KEYRING, 0, ALWAYS, 0 },
	{ SYS_userfaultfd, SIGNAL_USERFAULTFD, 0, ALWAYS, 0 },
	{ SYS_perf_event_open, SIGNAL_PERF, 0, ALWAYS, 0 },
	{ SYS_socket, SIGNALS, 0, IS, AF_UNIX },
	{ SYS_socket, SIGNAL_NETWORK, 0, IS, AF_INET },
	{ SYS_socket, SIGNAL_NETWORK, 0, IS, AF_INET6 },
	{ SYS_socket, SIGNAL_SOCKET, 0, ALWAYS, 0 },
	{ SYS_io_uring_enter, SIGNAL_IO_URING, 0, ALWAYS, 0 },
	{ SYS_io_uring_register, SIGNAL_IO_URING, 0, ALWAYS, 0 },
	{ SYS_init_module, SIGNAL_MODULE, 0, ALWAYS, 0 },
	{ SYS_finit_module, SIGNAL_MODULE, 0, ALWAYS, 0 },
	{ SYS_delete_module, SIGNAL_MODULE, 0, ALWAYS, 0 },
	{ SYS_kexec_load, SIGNAL_MODULE, 0, ALWAYS, 0 },
	{ SYS_kexec_file_load, SIGNAL_MODULE, 0, ALWAYS, 0 },
	{ SYS_reboot, SIGNAL_KERNEL, 0, ALWAYS, 0 },
	{ SYS_iopl, SIGNAL_KERNEL, 0, ALWAYS, 0 },
	{ SYS_ioperm, SIGNAL_KERNEL, 0, ALWAYS, 0 },
	{ SYS_swapon, SIGNAL_KERNEL, 0, ALWAYS, 0 },
	{ SYS_swapoff, SIGNAL_KERNEL, 0, ALWAYS, 0 },
	{ SYS_acct, SIGNAL_KERNEL, 0, ALWAYS, 0 },
	{ SYS_settimeofday, SIGNAL_KERNEL, 0, ALWAYS, 0 },
	{ SYS_clock_settime, SIGNAL_KERNEL, 0, ALWAYS, 0 },
	{ SYS_open_by_handle_at, SIGNAL_HANDLE, 0, ALWAYS, 0 },
	{ SYS_personality, SIGNALS, 0, IS, PER_LINUX },
	{ SYS_personality, SIGNALS, 0, IS, UINT32_MAX },       /* only asks */
	{ SYS_personality, SIGNALS, 0, IS, ADDR_NO_RANDOMIZE },        /* debuggers */
	{ SYS_personality, SIGNAL_PERSONALITY, 0, ALWAYS, 0 },
	{ SYS_ioctl, SIGNAL_TERMINAL, 1, IS, 0x5412 },         /* TIOCSTI */
	{ SYS_ioctl, SIGNAL_TERMINAL, 1, IS, 0x541c },         /* TIOCLINUX */
	{ SYS_ioctl, SIGNAL_TERMINAL, 1, IS, 0x541d },         /* TIOCCONS */
};

static bool holds(const struct tripwire *wire, const uint64_t args[6])
{
	const uint32_t value = (uint32_t)args[wire->arg];

	switch (wire->test) {
	case IS: return value == wire->value;
	case HAS: return value & wire->value;
	}
	return true;
}

enum signal_kind detect_call(uint32_t nr, const uint64_t args[6])
{
	for (size_t i = 0; i < ARRAY_SIZE(tripwires); i++)
		if (tripwires[i].nr == nr && holds(&tripwires[i], args))
			return tripwires[i].kind;
	return SIGNALS;
}

bool tally_add(struct tally *tally, uint32_t nr, const uint64_t args[6], uint32_t pid, uint64_t ip)
{
	const enum signal_kind kind = detect_call(nr, args);
	struct tally_call *call = NULL;
	unsigned of_kind = 0;

	tally->total++;
	if (kind == SIGNALS)
		return false;
	for (uint32_t i = 0; i < tally->n; i++) {
		struct tally_call *const one = &tally->calls[i];

		if (detect_call(one->nr, one->args) != kind)
			continue;
		call = one;
		of_kind++;
		if (one->nr == nr && one->args[0] == args[0])
			break;
		if (of_kind == 2)
			break; /* what a third one would be is counted with the second */
		call = NULL;
	}
	if (call) {
		call->n++;
		return false;
	}
	if (tally->n == TALLY_CALLS)
		return false;
	call = &tally->calls[tally->n++];
	*call = (struct tally_call){ .nr = nr, .pid = pid, .n = 1, .ip = ip };
	memcpy(call->args, args, sizeof(call->args));
	return true;
}

/* -- score -- */

static const char *const levels[DETECT_LEVELS] = { "none", "low", "high", "critical" };
static const uint32_t least[DETECT_LEVELS] = { 0, 20, 50, 100 };
static const char *const actions[DETECT_ACTIONS] = { "log", "kill", "quarantine" };

static size_t find(const char *const *names, size_t n, const char *name, size_t len)
{
	size_t i = 0;

	while (i < n && (strlen(names[i]) != len || memcmp(names[i], name, len) != 0))
		i++;
	return i;
}

const char *detect_level_name(enum detect_level level)
{
	return level < DETECT_LEVELS ? levels[level] : NULL;
}

const char *detect_action_name(enum detect_action action)
{
	return action < DETECT_ACTIONS ? actions[action] : NULL;
}

enum detect_level detect_level_find(const char *name, size_t len)
{
	return (enum detect_level)find(levels, DETECT_LEVELS, name, len);
}

enum detect_action detect_action_find(const char *name, size_t len)
{
	return (enum detect_action)find(actions, DETECT_ACTIONS, name, len);
}

uint32_t detect_score(uint64_t weights)
{
	return weights < 100 ? (uint32_t)weights : 100;
}

static void weigh(struct detect *detect)
{
	uint32_t sum = 0;

	for (unsigned kind = 0; kind < SIGNALS; kind++)
		sum += detect->n[kind] ? signals[kind].weight : 0;
	detect->score = detect_score(sum);
	detect->level = DETECT_NONE;
	while (detect->level < DETECT_CRITICAL && detect->score >= least[detect->level + 1])
		detect->level++;
}

bool detect_note(struct detect *detect, enum signal_kind kind, uint64_t n)
{
	const bool is_new = n && !detect->n[kind];

	if (n > detect->n[kind])
		detect->n[kind] = n;
	if (is_new)
		weigh(detect);
	return is_new;
}

bool detect_tally(struct detect *detect, const struct tally *tally)
{
	uint64_t n[SIGNALS + 1] = { 0 };
	bool is_new = false;

	detect->tally = *tally;
	for (uint32_t i = 0; i < tally->n && i < TALLY_CALLS; i++)
		n[detect_call(tally->calls[i].nr, tally->calls[i].args)] += tally->calls[i].n;
	for (unsigned kind = 0; kind < SIGNALS; kind++)
		is_new |= detect_note(detect, kind, n[kind]);
	is_new |= detect_note(detect, SIGNAL_DENIALS, tally->total >= STORM ? tally->total : 0);
	is_new |= detect_note(detect, SIGNAL_FLOOD, tally->total >= FLOOD ? tally->total : 0);
	return is_new;
}

bool detect_ended(struct detect *detect, const struct detect_end *end)
{
	const struct {
		enum signal_kind kind;
		uint64_t n;
	} rows[] = {
		{ SIGNAL_ENGINE, end->is_isolate && end->was_denied },
		{ SIGNAL_SENTRY, end->is_gvisor && end->has_failed },
		{ SIGNAL_SENTRY_CALL, end->is_gvisor ? detect->tally.total : 0 },
		{ SIGNAL_FORKS, end->forks_refused >= FORKS ? end->forks_refused : 0 },
		{ SIGNAL_OOM, end->oom_kills >= OOMS ? end->oom_kills : 0 },
		{ SIGNAL_OUTPUT, end->written - end->kept >= OUTPUT && end->written > end->kept ? end->written : 0 },
		{ SIGNAL_DISK, end->is_full },
		{ SIGNAL_WAIT, end->signal && !end->was_killed && !end->oom_kills && !end->was_denied },
		{ SIGNAL_PROTOCOL, end->lied },
	};
	bool is_new = false;

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		is_new |= detect_note(detect, rows[i].kind, rows[i].n);
	if (detect->n[SIGNAL_WAIT])
		detect->signal = end->signal;
	return is_new;
}

/* -- words -- */

static void put_hex(struct json *json, const char *key, uint64_t n)
{
	char text[19];

	snprintf(text, sizeof(text), "0x%llx", (unsigned long long)n);
	json_put_text(json, key, text);
}

/* The processes of a box in the order in which something of theirs is known: 1, 2, ... What the host calls them is
 * nobody's business, and says nothing once they have ended. */
static uint64_t process_of(const struct tally *tally, uint32_t call)
{
	uint64_t number = 1;

	for (uint32_t i = 0; tally->calls[i].pid != tally->calls[call].pid; i++) {
		bool is_new = true;

		for (uint32_t k = 0; k < i && is_new; k++)
			is_new = tally->calls[k].pid != tally->calls[i].pid;
		number += is_new;
	}
	return number;
}

static void put_call(struct json *json, const struct tally_call *call, uint64_t process)
{
	const char *const name = syscalls_name(call->nr);

	json_put_object(json, NULL);
	json_put_u64(json, "nr", call->nr);
	if (name)
		json_put_text(json, "call", name);
	json_put_array(json, "args");
	for (size_t i = 0; i < ARRAY_SIZE(call->args); i++)
		put_hex(json, NULL, call->args[i]);
	json_put_end(json);
	json_put_u64(json, "process", process);
	put_hex(json, "ip", call->ip);
	json_put_u64(json, "count", call->n);
	json_put_end(json);
}

void detect_put_evidence(struct json *json, const char *key, const struct detect *detect, enum signal_kind kind)
{
	bool has_call = false;

	json_put_array(json, key);
	for (uint32_t i = 0; i < detect->tally.n; i++)
		if (detect_call(detect->tally.calls[i].nr, detect->tally.calls[i].args) == kind) {
			put_call(json, &detect->tally.calls[i], process_of(&detect->tally, i));
			has_call = true;
		}
	for (size_t i = 0; i < HONEY_FILES && kind == SIGNAL_HONEY; i++)
		if (detect->honey[i]) {
			json_put_object(json, NULL);
			json_put_text(json, "path", honey_path(i));
			json_put_u64(json, "count", detect->honey[i]);
			json_put_end(json);
		}
	if (!has_call && kind != SIGNAL_HONEY) {
		json_put_object(json, NULL);
		json_put_u64(json, "count", detect->n[kind]);
		if (kind == SIGNAL_WAIT)
			json_put_i64(json, "signal", detect->signal);
		json_put_end(json);
	}
	json_put_end(json);
}

/* Heaviest first. */
void detect_title(const struct detect *detect, char *out, size_t cap)
{
	bool said[SIGNALS] = { false };
	size_t len = (size_t)snprintf(out, cap, "%s: ", levels[detect->level]);

	for (unsigned k = 0; k < 3; k++) {
		unsigned best = SIGNALS;

		for (unsigned kind = 0; kind < SIGNALS; kind++)
			if (detect->n[kind] && !said[kind] && (best == SIGNALS || signals[kind].weight > signals[best].weight))
				best = kind;
		if (best == SIGNALS || len >= cap)
			return;
		said[best] = true;
		len += (size_t)snprintf(out + len, cap - len, "%s%s", k ? "; " : "", signals[best].title);
	}
}
