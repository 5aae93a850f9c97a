/* A module between its engine and WASI. Nothing of the module is looked at before the process is sealed. */
#include "module/run.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"
#include "module/job.h"
#include "module/module.h"
#include "module/seal.h"
#include "wasi/abi.h"

#define PAGE_BYTES 65536
#define PAGES_MAX 65536 /* 4 GiB: what 32 bits address */
#define CODE_NO_MODULE 126
#define CODE_NOT_THERE 127

static void exited(uint32_t code)
{
	_exit((int)code);
}

struct guest {
	const struct wasm_job *job;
	struct module module;
	struct engine *engine;
};

/* What ends it needs its name, and there is one guest in a process. */
static struct guest guest = { .module.exited = exited };

static _Noreturn void end(int code, const char *text)
{
	struct err e = ERR_INIT;

	err_set(&e, ERR_USAGE, "%.300s", text); /* bytes of the guest: controls become '?' */
	dprintf(STDERR_FILENO, "%s: %.200s: %s\n", guest.job->engine, guest.job->argv[0], e.text);
	_exit(code);
}

static int add_streams(const struct wasm_job *job, struct err *e)
{
	for (int fd = 0; fd < 3; fd++)
		if (wasi_add_stream(&guest.module.wasi, fd, module_stream_rights(fd), e) < 0)
			return -1;
	for (size_t i = 0; i < job->n_preopens; i++) {
		const struct wasm_preopen *const preopen = &job->preopens[i];
		const int fd = open(preopen->path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);

		if (fd < 0)
			return err_sys(e, "%.100s: open", preopen->name);
		if (wasi_add_directory(&guest.module.wasi, fd, preopen->name, preopen->writes, e) < 0)
			return -1;
	}
	for (size_t i = 0; i < job->n_passed; i++)
		if (wasi_add_stream(&guest.module.wasi, job->passed[i], RIGHTS_ALL, e) < 0)
			return -1;
	return 0;
}

/* The file as it is in memory: it is the host's, and may change under us; V8 takes a copy of its own. None where the
 * program is made of the module. */
static const uint8_t *map_module(size_t *len)
{
	const bool is_own = strcmp(guest.job->module, "-") == 0;
	OWN_FD int fd = is_own ? -1 : open(guest.job->module, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
	struct stat st;
	void *bytes;

	*len = 0;
	if (is_own)
		return NULL;
	if (fd < 0)
		end(errno == ENOENT ? CODE_NOT_THERE : CODE_NO_MODULE, strerror(errno));
	if (fstat(fd, &st) < 0 || !S_ISREG(st.st_mode))
		end(CODE_NO_MODULE, "it is no file");
	if (!st.st_size)
		end(CODE_NO_MODULE, "it is empty; a module begins with \\0asm");
	if ((size_t)st.st_size > WASM_MODULE_MAX)
		end(CODE_NO_MODULE, "it is larger than 256 MiB, the most ward compiles");
	bytes = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
	if (bytes == MAP_FAILED)
		end(CODE_NO_MODULE, strerror(errno));
	*len = (size_t)st.st_size;
	return bytes;
}

static size_t stack_bytes(void)
{
	struct rlimit limit;

	return getrlimit(RLIMIT_STACK, &limit) < 0 || limit.rlim_cur > (8u << 20) ? 8u << 20 : (size_t)limit.rlim_cur;
}

/* A guest that wants too much gets an error number, not a signal that would look like a trap. */
static void outlive_limits(void)
{
	signal(SIGPIPE, SIG_IGN);
	signal(SIGXFSZ, SIG_IGN);
}

static void start(uint64_t pages)
{
	guest.engine = engine_start(&(struct engine_setup){ .memory_pages = pages < PAGES_MAX ? pages : PAGES_MAX,
							    .stack_bytes = stack_bytes() });
}

static _Noreturn void trap(const char *text)
{
	struct err e = ERR_INIT;

	err_set(&e, ERR_USAGE, "%.300s", text);
	dprintf(STDERR_FILENO, "%s: %.200s: trap: %s\n", guest.job->engine, guest.job->argv[0], e.text);
	abort();
}

static _Noreturn void call_start(const uint8_t *bytes, size_t len)
{
	const struct engine_host host = module_host(&guest.module);
	struct engine_why why;

	if (!engine_load(guest.engine, bytes, len, &host, &why))
		end(CODE_NO_MODULE, why.text);
	if (!engine_has(guest.engine, "_start"))
		end(CODE_NO_MODULE, "it exports no function _start: it is a library, or not for WASI");
	if (!engine_call(guest.engine, "_start", NULL, 0, NULL, &why))
		trap(why.text);
	_exit(0);
}

int run_module(const struct wasm_job *job, struct err *e)
{
	const struct wasi_setup setup = { .argv = job->argv, .envp = job->envp, .clock_grain_ns = MODULE_CLOCK_GRAIN_NS };
	const uint64_t pages = job->memory_bytes / PAGE_BYTES;
	const uint8_t *bytes;
	size_t len;

	guest.job = job;
	outlive_limits();
	wasi_init(&guest.module.wasi, &setup);
	if (add_streams(job, e) < 0)
		return -1;
	bytes = map_module(&len);
	if (!guest.engine)
		start(pages);
	if (seal_enter(job->preopens, job->n_preopens, e) < 0)
		return -1;
	call_start(bytes, len);
}

int run_warm(struct err *e)
{
	const struct wasi_setup none = { .clock_grain_ns = MODULE_CLOCK_GRAIN_NS };
	struct engine_why why;

	wasi_init(&guest.module.wasi, &none);
	start(PAGES_MAX);
	return module_warm(&guest.module, guest.engine, &why) ? 0 : err_set(e, ERR_BUG, "warm the engine: %.200s", why.text);
}
