/* Seals of the zygote and its guests. Refuses by number, and by argument where a number is too coarse. */
#include "v8/guest_seal.h"

#include <errno.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <signal.h>
#include <stddef.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

#include "base/fd.h"
#include "mech/drop.h"
#include "mech/landlock.h"
#include "mech/seccomp.h"
#include "module/job.h"
#include "v8/note.h"
#include "module/seal.h"

#define PAGE 4096u
#define PROGRAM_MAX 256
#define FORK SIGCHLD
#define SIBLING (CLONE_PARENT | SIGCHLD)

/* The kernel's number for it; of this process alone, since a fork has no clocks. */
static int processor_clock;

struct program {
	struct sock_filter at[PROGRAM_MAX];
	size_t n;
};

static void put(struct program *program, uint16_t code, uint32_t k, uint8_t yes, uint8_t no)
{
	program->at[program->n++] = (struct sock_filter){ code, yes, no, k };
}

static void put_return(struct program *program, uint32_t action)
{
	put(program, BPF_RET | BPF_K, action, 0, 0);
}

static void put_call(struct program *program, uint32_t nr, uint32_t action)
{
	put(program, BPF_JMP | BPF_JEQ | BPF_K, nr, 0, 1);
	put_return(program, action);
}

/* The call is allowed when no bit of mask is in the low word of an argument. */
static void put_without(struct program *program, uint32_t nr, unsigned argument, uint32_t mask, bool last)
{
	const uint32_t at = (uint32_t)offsetof(struct seccomp_data, args) + argument * 8;

	put(program, BPF_JMP | BPF_JEQ | BPF_K, nr, 0, last ? 4 : 3);
	put(program, BPF_LD | BPF_W | BPF_ABS, at, 0, 0);
	put(program, BPF_JMP | BPF_JSET | BPF_K, mask, 0, 1);
	put_return(program, SECCOMP_RET_KILL_PROCESS);
	if (last)
		put_return(program, SECCOMP_RET_ALLOW);
	else
		put(program, BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr), 0, 0);
}

static void put_clone(struct program *program)
{
	put(program, BPF_JMP | BPF_JEQ | BPF_K, SYS_clone, 0, 5);
	put(program, BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, args), 0, 0);
	put(program, BPF_JMP | BPF_JEQ | BPF_K, FORK, 1, 0);
	put(program, BPF_JMP | BPF_JEQ | BPF_K, SIBLING, 0, 1);
	put_return(program, SECCOMP_RET_ALLOW);
	put_return(program, SECCOMP_RET_KILL_PROCESS);
}

static void begin(struct program *program)
{
	program->n = 0;
	put(program, BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, arch), 0, 0);
	put(program, BPF_JMP | BPF_JEQ | BPF_K, AUDIT_ARCH_X86_64, 1, 0);
	put_return(program, SECCOMP_RET_KILL_PROCESS);
	put(program, BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr), 0, 0);
}

/* Libraries look for files of time zones, locales and processors long after they were warmed: they are told that
 * there are none. A signal cannot be sent, blocked or caught, so nothing outlives the clocks. */
static const struct {
	uint16_t nr, sys;
} refused[] = {
	{ SYS_open, ENOENT }, { SYS_openat, ENOENT }, { SYS_stat, ENOENT }, { SYS_lstat, ENOENT }, { SYS_newfstatat, ENOENT },
	{ SYS_access, ENOENT }, { SYS_readlink, ENOENT }, { SYS_getcwd, ENOENT },
	{ SYS_fstat, EBADF }, { SYS_lseek, ESPIPE }, { SYS_tgkill, EPERM }, { SYS_rt_sigprocmask, EPERM }, { SYS_rt_sigaction, EPERM },
	{ SYS_sched_getaffinity, EPERM }, { SYS_sysinfo, EPERM },
};

enum whose { OF_GUEST, OF_SERVER, OF_ZYGOTE, OF_MODULE };

static const struct {
	uint16_t nr;
	enum whose whose;
} all_calls[] = {
#define GUEST(name) { SYS_##name, OF_GUEST },
#define SERVE(name) { SYS_##name, OF_SERVER },
#define ZYGOTE(name) { SYS_##name, OF_ZYGOTE },
#include "model/guest_calls.def"
#undef GUEST
#undef SERVE
#undef ZYGOTE
#define ENGINE(name)
#define WASI(name) { SYS_##name, OF_MODULE },
#include "model/engine_calls.def"
#undef ENGINE
#undef WASI
	/* V8 keeps a module's code from being written by a key of the processor, where that has some. */
	{ SYS_pkey_mprotect, OF_MODULE },
};

static bool judged_by_arguments(uint16_t nr)
{
	return nr == SYS_mmap || nr == SYS_mprotect || nr == SYS_clone;
}

static void build_zygote(struct program *program, const struct guest_seal_setup *setup)
{
	const uint32_t execute = setup->may_execute ? 0 : PROT_EXEC;

	begin(program);
	/* Shared memory is in no limit, and a stack that grows in none that counts. */
	put_without(program, SYS_mmap, 2, execute, false);
	put_without(program, SYS_mmap, 3, MAP_SHARED | MAP_GROWSDOWN, true);
	put_without(program, SYS_mprotect, 2, execute, true);
	put_clone(program);
	for (size_t i = 0; i < ARRAY_SIZE(all_calls); i++)
		if (!judged_by_arguments(all_calls[i].nr) && (all_calls[i].whose != OF_MODULE || setup->has_modules))
			put_call(program, all_calls[i].nr, SECCOMP_RET_ALLOW);
	for (size_t i = 0; i < ARRAY_SIZE(refused); i++)
		put_call(program, refused[i].nr, SECCOMP_RET_ERRNO | refused[i].sys);
	put_return(program, SECCOMP_RET_KILL_PROCESS);
}

/* Does a guest that keeps these keep that one? Some calls are in two lists. */
static bool keeps_call(enum guest_calls keeps, uint16_t nr)
{
	static const bool kept[GUEST_CALLS][OF_MODULE + 1] = {
		[GUEST_CALLS_SCRIPT] = { [OF_GUEST] = true },
		[GUEST_CALLS_SERVES] = { [OF_GUEST] = true, [OF_SERVER] = true },
		[GUEST_CALLS_MODULE] = { [OF_GUEST] = true, [OF_MODULE] = true },
	};

	for (size_t i = 0; i < ARRAY_SIZE(all_calls); i++)
		if (all_calls[i].nr == nr && kept[keeps][all_calls[i].whose])
			return true;
	return false;
}

/* What a guest calls between its waiting for work and its first byte of it. */
static bool is_of_waiting(uint16_t nr)
{
	return nr == SYS_setitimer || nr == SYS_seccomp;
}

enum part { ALL, BUT_WAITING, WAITING };

/* The kernel runs a new filter once for every call there is: this one is made for each guest, and so is short: what the
 * zygote's lets pass and this guest shall not have. */
static void build_guest(struct program *program, enum guest_calls keeps, enum part part)
{
	uint16_t ended[ARRAY_SIZE(all_calls)];
	size_t n = 0;

	for (size_t i = 0; i < ARRAY_SIZE(all_calls); i++) {
		const uint16_t nr = all_calls[i].nr;

		if (all_calls[i].whose != OF_MODULE && (part == ALL || is_of_waiting(nr) == (part == WAITING)) &&
		    !keeps_call(keeps, nr))
			ended[n++] = nr;
	}
	program->n = 0;
	put(program, BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr), 0, 0);
	for (size_t i = 0; i < n; i++)
		put(program, BPF_JMP | BPF_JEQ | BPF_K, ended[i], (uint8_t)(n - i), 0);
	put_return(program, SECCOMP_RET_ALLOW);
	put_return(program, SECCOMP_RET_KILL_PROCESS);
}

static bool fits(uint64_t pages, rlim_t hard)
{
	const struct rlimit limit = { pages * PAGE, hard };
	void *page;

	if (setrlimit(RLIMIT_DATA, &limit) < 0)
		return false;
	page = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (page == MAP_FAILED)
		return false;
	munmap(page, PAGE);
	return true;
}

/* There is no /proc here, so the limit itself is asked. */
int guest_seal_measure(struct guest_seal *seal, struct err *e)
{
	uint64_t low = 0, high = UINT64_C(1) << 22;
	struct rlimit before;

	if (getrlimit(RLIMIT_DATA, &before) < 0)
		return err_sys(e, "getrlimit");
	while (low + 1 < high) {
		const uint64_t middle = (low + high) / 2;

		*(fits(middle, before.rlim_max) ? &high : &low) = middle;
	}
	if (setrlimit(RLIMIT_DATA, &before) < 0)
		return err_sys(e, "setrlimit");
	seal->data_bytes = high * PAGE;
	return 0;
}

/* Linux/landlock.h: all rights of files, both of ports, both scopes, as far as this ABI knows them. */
static int make_rules(int abi, const struct guest_seal_setup *setup, int *out, struct err *e)
{
	const uint64_t files = UINT64_C(0x1fff) | (abi >= 2 ? UINT64_C(1) << 13 : 0) | (abi >= 3 ? UINT64_C(1) << 14 : 0) |
			       (abi >= 5 ? UINT64_C(1) << 15 : 0);
	OWN_FD int rules = landlock_new(files, abi >= 4 ? 3 : 0, abi >= 6 ? 3 : 0, e);

	if (rules < 0)
		return -1;
	for (size_t i = 0; i < setup->n_preopens; i++)
		if (landlock_add_path(rules, setup->preopens[i].path, true, seal_rights(setup->preopens[i].writes) & files, e) < 0)
			return -1;
	*out = TAKE_FD(rules);
	return 0;
}

/* A sanitizer's runtime makes calls of its own. */
static int enter_program(const struct program *program, struct err *e)
{
	return SANITIZED ? 0 : seccomp_enter(program->at, program->n, SECCOMP_ALONE, e);
}

int guest_seal_zygote(struct guest_seal *seal, const struct guest_seal_setup *setup, struct err *e)
{
	const int abi = landlock_abi();
	struct program program;

	*seal = GUEST_SEAL_NONE;
	seal->has_modules = setup->has_modules;
	if (drop_new_privs(e) < 0)
		return -1;
	if (abi && make_rules(abi, setup, &seal->rules_fd, e) < 0)
		return -1;
	build_zygote(&program, setup);
	return enter_program(&program, e);
}

static int by_number(const void *a, const void *b)
{
	return *(const int *)a - *(const int *)b;
}

int guest_seal_keep(int *fds, size_t n, struct err *e)
{
	unsigned from = 0;

	qsort(fds, n, sizeof(*fds), by_number);
	for (size_t i = 0; i < n; from = (unsigned)fds[i++] + 1)
		if ((unsigned)fds[i] > from && close_range(from, (unsigned)fds[i] - 1, 0) < 0)
			return err_sys(e, "close_range");
	if (close_range(from, ~0u, 0) < 0)
		return err_sys(e, "close_range");
	note_layer(ISOLATE_HAS_FDS);
	return 0;
}

/* glibc's fork() takes and frees its locks on both sides, each of them on a page that is the guest's own from then on. There
 * is one thread, and a guest's number in the C library, which stays its zygote's, is used for no call that it has. */
int guest_seal_fork(bool sibling)
{
	return (int)syscall(SYS_clone, sibling ? SIBLING : FORK, 0, 0, 0, 0);
}

int guest_seal_birth(const struct guest_seal *seal, int parent, uint64_t memory_bytes, struct err *e)
{
	const uint64_t data = seal->data_bytes + memory_bytes;

	if (prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0) < 0)
		return err_sys(e, "prctl");
	if (getppid() != parent)
		return err_set(e, ERR_SYSTEM, "the zygote is gone");
	/* A sanitizer's shadow of the memory counts as memory. */
	if (memory_bytes && !SANITIZED && drop_rlimit(RLIMIT_DATA, data, data, e) < 0)
		return -1;
	/* A module's files and streams are the box's to bound; a script has none. */
	if (!seal->has_modules && drop_rlimit(RLIMIT_FSIZE, 0, 0, e) < 0)
		return -1;
	if (memory_bytes || !seal->has_modules)
		note_layer(ISOLATE_HAS_RLIMITS);
	/* The domain is its own: Landlock lets no process trace or signal another one that is not inside its domain. */
	if (seal->rules_fd < 0)
		return 0;
	if (syscall(SYS_landlock_restrict_self, seal->rules_fd, 0) < 0)
		return err_sys(e, "landlock_restrict_self");
	note_layer(ISOLATE_HAS_LANDLOCK);
	return 0;
}

static int start_clock(int which, uint64_t us, struct err *e)
{
	const struct itimerval value = { .it_value = { (time_t)(us / 1000000), (suseconds_t)(us % 1000000) } };

	return us && setitimer(which, &value, NULL) < 0 ? err_sys(e, "setitimer") : 0;
}

/* The other clock that setitimer(2) has guesses: a whole tick is whose it finds running. This one counts. It is the thread's,
 * of which there is one: a timer on the process's clock has the kernel add to that clock at ticks alone, also for those who
 * read it (posix-cpu-timers.c, cpu_clock_sample_group()), and the zygote reads it. */
static int start_processor_clock(uint64_t us, struct err *e)
{
	struct sigevent end = { .sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGPROF };
	const struct itimerspec value = { .it_value = { (time_t)(us / 1000000), (long)(us % 1000000) * 1000 } };

	if (!us)
		return 0;
	if (syscall(SYS_timer_create, CLOCK_THREAD_CPUTIME_ID, &end, &processor_clock) < 0 ||
	    syscall(SYS_timer_settime, processor_clock, 0, &value, NULL) < 0)
		return err_sys(e, "timer of processor time");
	return 0;
}

void guest_seal_rest(const struct isolate_limits *limits)
{
	const struct itimerspec none = { .it_value = { 0, 0 } };
	const struct itimerval never = { .it_value = { 0, 0 } };

	if (limits->cpu_us)
		syscall(SYS_timer_settime, processor_clock, 0, &none, NULL);
	setitimer(ITIMER_REAL, &never, NULL);
}

static int enter(enum guest_calls keeps, enum part part, struct err *e)
{
	struct program program;

	build_guest(&program, keeps, part);
	return enter_program(&program, e);
}

int guest_seal_wait(const struct isolate_limits *limits, enum guest_calls keeps, struct err *e)
{
	return start_processor_clock(limits->cpu_us, e) < 0 ? -1 : enter(keeps, BUT_WAITING, e);
}

int guest_seal_close(const struct isolate_limits *limits, enum guest_calls keeps, bool has_waited, struct err *e)
{
	if ((!has_waited && start_processor_clock(limits->cpu_us, e) < 0) || start_clock(ITIMER_REAL, limits->wall_us, e) < 0)
		return -1;
	if (enter(keeps, has_waited ? WAITING : ALL, e) < 0)
		return -1;
	if (!SANITIZED)
		note_layer(ISOLATE_HAS_SECCOMP);
	return note_done(e);
}
