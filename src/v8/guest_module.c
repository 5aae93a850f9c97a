/* A module's life in a fork: directories of its own, sealed, frames in, one run. */
#include "v8/guest_module.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/mem.h"
#include "v8/guest_seal.h"
#include "module/job.h"
#include "module/module.h"
#include "v8/nursery.h"
#include "v8/talk.h"
#include "module/run.h"
#include "wasm/sections.h"

#define PAGES_MAX 65536 /* 4 GiB: what 32 bits address. What there is less, the kernel's limit says */

struct words {
	const char **at;        /* ends with NULL */
	size_t n, cap;
};

struct guest {
	struct module module;
	struct engine *engine;
	struct isolate_limits limits;
	struct words argv, envp;
	const uint8_t *bytes;   /* of the module that is for all guests; NULL: each is sent its own */
	size_t len;
	bool is_loaded, has_streams;
	bool starts_by_itself;  /* the module that is loaded: even an instance would run code of it */
	bool has_instance;      /* of that module */
};

static void exited(uint32_t code)
{
	talk_say(GUEST_EXIT, &code, sizeof(code));
	_exit(code ? ISOLATE_CODE_ERROR : ISOLATE_CODE_OK);
}

/* What ends it needs no more, and there is one guest in a process. */
static struct guest guest = { .module.exited = exited };

static int add_preopens(const struct nursery_setup *setup, struct err *e)
{
	const struct wasi_setup none = { .clock_grain_ns = MODULE_CLOCK_GRAIN_NS };
	struct wasi *const wasi = &guest.module.wasi;

	wasi_init(wasi, &none);
	wasi->next = 3; /* behind the streams, which come with a guest */
	for (size_t i = 0; i < setup->n_preopens; i++) {
		const struct wasm_preopen *const preopen = &setup->preopens[i];
		const int fd = open(preopen->path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);

		if (fd < 0)
			return err_sys(e, "%.100s: open", preopen->name);
		if (wasi_add_directory(wasi, fd, preopen->name, preopen->writes, e) < 0)
			return -1;
	}
	return 0;
}

/* The file as it is in memory: V8 takes a copy of its own, and looks at no other. */
static int map_module(const char *path, struct err *e)
{
	OWN_FD int fd = open(path, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
	struct stat st;
	void *bytes;

	if (fd < 0 || fstat(fd, &st) < 0)
		return err_sys(e, "the module");
	if (!S_ISREG(st.st_mode) || !st.st_size || (size_t)st.st_size > WASM_MODULE_MAX)
		return err_set(e, ERR_USAGE, "the module is no file of 1 byte to 256 MiB");
	bytes = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
	if (bytes == MAP_FAILED)
		return err_sys(e, "map the module");
	guest.bytes = bytes;
	guest.len = (size_t)st.st_size;
	return 0;
}

static int fault(const struct engine_why *why, struct err *e)
{
	return err_set(e, ERR_USAGE, "the module: %.300s", why->text);
}

int guest_module_warm(const struct nursery_setup *setup, size_t stack_bytes, struct err *e)
{
	const struct engine_setup engine = {
		.memory_pages = PAGES_MAX,
		.stack_bytes = stack_bytes,
		.whole = setup->module != NULL,
		.no_signals = true,
		.memory_code = ISOLATE_CODE_MEMORY,
	};
	struct engine_why why;

	if (add_preopens(setup, e) < 0 || (setup->module && map_module(setup->module, e) < 0))
		return -1;
	guest.engine = engine_start(&engine);
	if (!module_warm(&guest.module, guest.engine, &why))
		return fault(&why, e);
	return 0;
}

static bool starts_by_itself(void)
{
	OWN(arena) arena = { .blocks = NULL };
	struct wasm_module module;
	struct err e;

	return sections_read(guest.bytes, guest.len, &arena, &module, &e) < 0 || module.has_start;
}

/* An instance that nobody uses: what the first one makes, every guest's has then. */
static int make_one(struct err *e)
{
	struct engine_why why;

	if (!engine_renew(guest.engine, &why))
		return fault(&why, e);
	engine_forget(guest.engine);
	return 0;
}

int guest_module_load(struct err *e)
{
	const struct engine_host host = module_host(&guest.module);
	struct engine_why why;

	if (!guest.bytes)
		return 0;
	if (!engine_compile(guest.engine, guest.bytes, guest.len, &host, &why))
		return fault(&why, e);
	guest.is_loaded = true;
	guest.starts_by_itself = starts_by_itself();
	return guest.starts_by_itself ? 0 : make_one(e);
}

/* Forks share the place in a directory that is being read: each opens its own. */
static size_t open_own(int *keep)
{
	struct open_how how = { .flags = O_RDONLY | O_DIRECTORY | O_CLOEXEC };
	size_t n = 0;

	for (size_t i = 0; i < WASI_SLOTS; i++) {
		struct wasi_slot *const slot = &guest.module.wasi.slots[i];

		if (slot->fd < 0)
			continue;
		slot->fd = (int)syscall(SYS_openat2, slot->fd, ".", &how, sizeof(how));
		if (slot->fd < 0)
			_exit(ISOLATE_CODE_SETUP);
		keep[n++] = slot->fd;
	}
	return n;
}

static void take_streams(void)
{
	struct wasi *const wasi = &guest.module.wasi;
	int fds[3];
	struct err e;

	if (guest.has_streams)
		talk_give_up();
	guest.has_streams = true;
	talk_take_fds(fds, 3);
	wasi->next = 0;
	for (int i = 0; i < 3; i++)
		if (wasi_add_stream(wasi, fds[i], module_stream_rights(i), &e) != i)
			talk_give_up();
}

static _Noreturn void end_because(const char *before, const struct engine_why *text)
{
	struct guest_why why = { .line = 0 };

	snprintf(why.text, sizeof(why.text), "%s%s", before, text->text);
	talk_end(&why);
}

static void take_module(const struct guest_frame *frame)
{
	const struct engine_host host = module_host(&guest.module);
	struct engine_why why;

	if (guest.is_loaded)
		talk_give_up();
	if (!engine_compile(guest.engine, (const uint8_t *)frame->bytes, frame->len, &host, &why))
		end_because("", &why);
	guest.is_loaded = true;
}

static void add_word(struct words *words, const char *name, const char *bytes, size_t len)
{
	const size_t before = strlen(name);
	char *const word = mem_raw(before + len + 1);

	if (words->n == GUEST_WORDS_MAX || memchr(bytes, '\0', len))
		talk_give_up();
	memcpy(word, name, before);
	memcpy(word + before, bytes, len);
	word[before + len] = '\0';
	words->at = mem_grow(words->at, &words->cap, words->n + 2, sizeof(*words->at));
	words->at[words->n++] = word;
	words->at[words->n] = NULL;
}

static void add_env(const struct guest_frame *frame)
{
	char start[GUEST_NAME_MAX + 2];
	const char *name, *bytes;
	size_t len;

	talk_named(frame, &name, &bytes, &len);
	snprintf(start, sizeof(start), "%s=", name);
	add_word(&guest.envp, start, bytes, len);
}

static void take(const struct guest_frame *frame)
{
	switch (frame->kind) {
	case GUEST_STREAMS:
		take_streams();
		return;
	case GUEST_WASM:
		take_module(frame);
		return;
	case GUEST_ARG:
		add_word(&guest.argv, "", frame->bytes, frame->len);
		return;
	case GUEST_ENV:
		add_env(frame);
		return;
	default:
		talk_give_up();
	}
}

static void take_all(void)
{
	const struct guest_frame *frame = talk_next(true);
	uint32_t run;

	for (; frame->kind != GUEST_RUN; frame = talk_next(true))
		take(frame);
	if (frame->len != sizeof(run) || !guest.is_loaded || !guest.has_streams)
		talk_give_up();
	memcpy(&run, frame->bytes, sizeof(run));
	if (run != GUEST_RUN_ONCE)
		talk_give_up();
}

static _Noreturn void run(void)
{
	const struct wasi_setup setup = {
		.argv = guest.argv.at, .envp = guest.envp.at, .clock_grain_ns = MODULE_CLOCK_GRAIN_NS,
	};
	struct engine_why why = { "" };

	wasi_begin(&guest.module.wasi, &setup);
	if (!guest.has_instance && !engine_renew(guest.engine, &why))
		end_because("", &why);
	if (!engine_has(guest.engine, "_start"))
		end_because("it exports no function _start: it is a library, or not for WASI", &why);
	if (!engine_call(guest.engine, "_start", NULL, 0, NULL, &why))
		end_because("trap: ", &why);
	exited(0);
	talk_give_up();
}

/* A parked guest has time. It runs ward's own module, or makes its instance of the one for all; of that, no code runs. */
static bool rest(const struct isolate_limits *limits)
{
	struct engine_why why;
	struct err e;

	if (!talk_is_quiet(0))
		return false;
	if (!guest.is_loaded)
		(void)!module_touch(guest.engine, &why);
	else if (!guest.starts_by_itself)
		guest.has_instance = engine_renew(guest.engine, &why);
	talk_touch();
	if (guest_seal_wait(limits, GUEST_CALLS_MODULE, &e) < 0)
		_exit(ISOLATE_CODE_SETUP);
	return true;
}

_Noreturn void guest_module_live(const struct isolate_limits *limits)
{
	int keep[WASI_SLOTS + 1] = { talk_fd() };
	const size_t n = open_own(keep + 1) + 1;
	struct err e;
	bool rested;

	if (guest_seal_keep(keep, n, &e) < 0)
		_exit(ISOLATE_CODE_SETUP);
	rested = rest(limits);
	talk_wait();
	if (guest_seal_close(limits, GUEST_CALLS_MODULE, rested, &e) < 0)
		_exit(ISOLATE_CODE_SETUP);
	take_all();
	run();
}
