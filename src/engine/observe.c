/* The recorder. Refuses to let go on what the floor would have refused: a filter that only asks hides the
 * older one's answer, see floor.h. Registers cannot change while the caller waits, so a judgement of them
 * holds; paths and addresses in memory can, and nothing is judged by them. */
#include "engine/observe.h"

#include <errno.h>
#include <linux/seccomp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>

#include "base/fd.h"
#include "engine/confine.h"
#include "engine/notice.h"
#include "engine/site.h"
#include "engine/touch.h"
#include "model/caps.h"

#ifndef SECCOMP_IOCTL_NOTIF_SET_FLAGS
#define SECCOMP_IOCTL_NOTIF_SET_FLAGS SECCOMP_IOW(4, uint64_t)
#endif
#ifndef SECCOMP_USER_NOTIF_FD_SYNC_WAKE_UP
#define SECCOMP_USER_NOTIF_FD_SYNC_WAKE_UP (1ULL << 0)
#endif

enum {
#define CALL(name, number, heat, args) NR_##name = number,
#include "model/syscalls.def"
#undef CALL
};

#define TASKS 4096

/* What is known of one task; tasks share a slot by number, and one that lost it is past its start. */
struct task {
	int tid;
	bool is_starting;
	bool knows_loader;
	uint64_t loader_start, loader_end;      /* its code; 0, 0: there is none */
};

struct observer {
	const struct filter_set *judge;
	struct record *record;
	bool confine, settled;
	int proc_fd;
	bool may_refuse[RECORD_CALLS];          /* some row speaks of the call */
	bool touches[RECORD_CALLS];
	struct task tasks[TASKS];
	struct touch touch;
	struct site_looker looker;
};

int observe_new(const struct filter_set *judge, struct record *record, bool confine, struct observer **out,
		struct err *e)
{
	OWN_FD int proc_fd = open("/proc", O_PATH | O_DIRECTORY | O_CLOEXEC);
	struct observer *observer;

	if (proc_fd < 0)
		return err_sys(e, "/proc, through which ward reads what the program passes to the kernel");
	observer = mem_alloc(sizeof(*observer));
	observer->judge = judge;
	observer->record = record;
	observer->confine = confine;
	observer->proc_fd = observer->looker.proc_fd = TAKE_FD(proc_fd);
	for (size_t i = 0; i < judge->n_rows; i++)
		if (judge->rows[i].nr < RECORD_CALLS)
			observer->may_refuse[judge->rows[i].nr] = true;
	for (uint32_t nr = 0; nr < RECORD_CALLS; nr++)
		observer->touches[nr] = touch_has(nr);
	*out = observer;
	return 0;
}

void observe_free(struct observer *observer)
{
	if (!observer)
		return;
	fd_close(observer->proc_fd);
	free(observer);
}

static bool is_still_asking(int listener, uint64_t id)
{
	return ioctl(listener, SECCOMP_IOCTL_NOTIF_ID_VALID, &id) == 0;
}

/* The first call: the program it belongs to was executed by ward, unasked. */
static void record_start(struct observer *observer, int tid)
{
	const uint64_t args[6] = { 0 };
	char path[TOUCH_PATH];
	struct record_file file = { .path = path, .access = ACCESS_EXEC, .exists = true, .count = 1,
				    .phases = PHASE_START };

	observer->tasks[(unsigned)tid % TASKS] = (struct task){ .tid = tid, .is_starting = true };
	record_add_call(observer->record, NR_execve, args, PHASE_START, false);
	if (!peek_link(observer->proc_fd, tid, "exe", path, sizeof(path)))
		return;
	file.is_odd = touch_normal(path);
	record_add_file(observer->record, &file);
}

/* Rights are given up as soon as it is known whom to watch. Returns 1 when that task is gone already. */
static int settle(struct observer *observer, int listener, const struct seccomp_notif *notice, struct err *e)
{
	const uint64_t flags = SECCOMP_USER_NOTIF_FD_SYNC_WAKE_UP;
	const int tid = (int)notice->pid;
	char probe;

	/* The program runs on while ward looks at the next call, unless both share a processor by turns: the
	 * kernel can do that since 6.6, and then each call costs a third. */
	(void)!ioctl(listener, SECCOMP_IOCTL_NOTIF_SET_FLAGS, flags);
	if (observer->confine && confine_watcher(observer->proc_fd, tid, e) < 0)
		return is_still_asking(listener, notice->id) ? -1 : 1;
	if (peek_bytes(tid, notice->data.instruction_pointer, &probe, 1) != 1 && is_still_asking(listener, notice->id)) {
		err_sys(e, "reading the memory of the traced program");
		return err_add(e, "tracing needs the right to watch one's own processes (kernel.yama.ptrace_scope 0 or 1, "
				  "2 under boundary container)");
	}
	record_start(observer, tid);
	observer->settled = true;
	return 0;
}

/* Before its own code, a program makes only calls of these kinds. */
static bool is_library_start(uint32_t nr)
{
	static const uint16_t calls[] = {
		NR_brk, NR_arch_prctl, NR_set_tid_address, NR_set_robust_list, NR_rseq, NR_prlimit64, NR_getrandom,
		NR_mprotect, NR_readlink, NR_readlinkat,
	};

	for (size_t i = 0; i < ARRAY_SIZE(calls); i++)
		if (calls[i] == nr)
			return true;
	return false;
}

static bool is_loading(uint32_t nr)
{
	static const uint16_t calls[] = {
		NR_openat, NR_open, NR_read, NR_pread64, NR_mmap, NR_munmap, NR_close, NR_fstat, NR_newfstatat, NR_stat,
		NR_access, NR_faccessat2, NR_fcntl, NR_getcwd, NR_uname,
	};

	for (size_t i = 0; i < ARRAY_SIZE(calls); i++)
		if (calls[i] == nr)
			return true;
	return false;
}

/* The first instruction of a new program that calls lies in the loader, if there is one. */
static void find_loader(struct observer *observer, struct task *task, uint64_t at)
{
	const struct peek_map *const map = site_map(&observer->looker, task->tid, at);
	const char *const path = map ? observer->looker.maps.texts + map->path : NULL;
	struct record_file file = { .path = path, .access = ACCESS_READ | ACCESS_EXEC, .exists = true, .count = 1,
				    .phases = PHASE_START };
	char exe[TOUCH_PATH];

	task->knows_loader = true;
	if (!path || *path != '/' || !peek_link(observer->proc_fd, task->tid, "exe", exe, sizeof(exe)) ||
	    !strcmp(exe, path))
		return;
	task->loader_start = map->start;
	task->loader_end = map->end;
	record_add_file(observer->record, &file);
}

static uint8_t phase_of(struct observer *observer, int tid, uint32_t nr, uint64_t at)
{
	struct task *const task = &observer->tasks[(unsigned)tid % TASKS];

	if (task->tid != tid || !task->is_starting)
		return PHASE_STEADY;
	if (!task->knows_loader)
		find_loader(observer, task, at);
	if (!is_library_start(nr) && !(is_loading(nr) && at >= task->loader_start && at < task->loader_end))
		task->is_starting = false;
	return task->is_starting ? PHASE_START : PHASE_STEADY;
}

static void record_caps(struct observer *observer, uint32_t nr, const uint64_t args[6], uint16_t port)
{
	struct caps_need needs[CAPS_NEEDS];
	const size_t n = caps_of_call(nr, args, port, needs);

	for (size_t i = 0; i < n; i++)
		record_add_cap(observer->record, &(struct record_cap){ .cap = needs[i].cap, .nr = nr,
								       .maybe = needs[i].maybe, .count = 1 });
}

/* Files and addresses. What was read counts only if the task was still waiting afterwards: its number could
 * have become another's. Returns the port that a bind names. */
static uint16_t record_touch(struct observer *observer, const struct touch_caller *caller, int listener, uint64_t id)
{
	struct touch *const touch = &observer->touch;

	touch_look(caller, touch);
	if ((!touch->n_files && !touch->has_host && !touch->is_blind) || !is_still_asking(listener, id))
		return 0;
	if (touch->is_blind && touch->sys == EPERM)
		record_cut(observer->record, "a process made its memory unreadable (PR_SET_DUMPABLE), so its files "
					     "and addresses are missing");
	for (size_t i = 0; i < touch->n_files; i++)
		record_add_file(observer->record, &touch->files[i]);
	if (touch->has_host)
		record_add_host(observer->record, &touch->host);
	return touch->has_host && touch->host.binds ? touch->host.port : 0;
}

static void record_site(struct observer *observer, const struct touch_caller *caller, uint64_t at, int listener,
			uint64_t id)
{
	struct record_site site;

	/* A call that has all the places a record holds needs no more looks. */
	if (observer->record->calls[caller->nr].sites_more || !site_is_news(&observer->looker, caller->nr, at))
		return;
	site_look(&observer->looker, caller->tid, at, &site);
	site.phases = caller->phase;
	if (site.at.module && is_still_asking(listener, id))
		record_add_site(observer->record, caller->nr, &site);
}

static void record_all(struct observer *observer, int listener, const struct seccomp_notif *notice, bool refused)
{
	struct touch_caller caller = { .proc_fd = observer->proc_fd, .tid = (int)notice->pid,
				       .nr = (uint32_t)notice->data.nr };
	const uint64_t at = notice->data.instruction_pointer;
	uint16_t port = 0;

	for (size_t i = 0; i < ARRAY_SIZE(caller.args); i++)
		caller.args[i] = notice->data.args[i];
	caller.phase = phase_of(observer, caller.tid, caller.nr, at);
	record_add_call(observer->record, caller.nr, caller.args, caller.phase, refused);
	if (caller.nr >= RECORD_CALLS)
		return;
	record_site(observer, &caller, at, listener, notice->id);
	if (observer->touches[caller.nr] && !refused)
		port = record_touch(observer, &caller, listener, notice->id);
	record_caps(observer, caller.nr, caller.args, port);
	if ((caller.nr == NR_execve || caller.nr == NR_execveat) && !refused) {
		/* Should it fail, the next call ends the start at once. */
		observer->tasks[notice->pid % TASKS] = (struct task){ .tid = caller.tid, .is_starting = true };
		site_forget(&observer->looker, caller.tid);
	}
}

/* 0: it may go on, else the errno it fails with. */
static int judge(const struct observer *observer, const struct seccomp_data *data)
{
	const struct filter_row *row = NULL;
	const uint32_t nr = (uint32_t)data->nr;
	uint64_t args[6];
	enum filter_act act;

	if (nr >= RECORD_CALLS)
		return ENOSYS;
	if (!observer->may_refuse[nr])
		return 0;
	for (size_t i = 0; i < ARRAY_SIZE(args); i++)
		args[i] = data->args[i];
	act = filter_judge(observer->judge, nr, args, &row);
	return act == FILTER_ALLOW || act == FILTER_LOG ? 0 : filter_errno(observer->judge, row);
}

int observe_turn(struct observer *observer, int listener, struct err *e)
{
	union notice notice;
	int status;

	memset(&notice, 0, sizeof(notice));
	if (ioctl(listener, SECCOMP_IOCTL_NOTIF_RECV, &notice) < 0)
		return notice_is_passing(errno) ? 0 : 1;
	status = observer->settled ? 0 : settle(observer, listener, &notice.known, e);
	if (status)
		return status < 0 ? -1 : 0;
	status = judge(observer, &notice.known.data);
	record_all(observer, listener, &notice.known, status != 0);
	return !(status ? notice_refuse(listener, notice.known.id, status) : notice_let_go(listener, notice.known.id));
}

void observe_finish(struct observer *observer)
{
	site_name_all(observer->record);
}
