/* What a guest is told of itself and of time: arguments, variables, clocks, randomness, its end. */
#include <errno.h>
#include <sched.h>
#include <string.h>
#include <sys/random.h>
#include <time.h>

#include "base/mem.h"
#include "wasi/moment.h"
#include "wasi/table.h"

static uint32_t put_sizes(struct wasi *w, const char *const *texts, uint32_t n_out, uint32_t size_out)
{
	uint32_t n = 0, size = 0;

	for (; texts && texts[n]; n++)
		size += (uint32_t)strlen(texts[n]) + 1;
	return memory_store32(&w->memory, n_out, n) && memory_store32(&w->memory, size_out, size) ? WASI_SUCCESS :
		WASI_FAULT;
}

static uint32_t put_texts(struct wasi *w, const char *const *texts, uint32_t pointers, uint64_t buffer)
{
	for (uint32_t i = 0; texts && texts[i]; i++) {
		const size_t len = strlen(texts[i]) + 1;
		void *const to = buffer > UINT32_MAX ? NULL : memory_at(&w->memory, (uint32_t)buffer, len);

		/* In 64 bits: an address beyond 4 GiB must not come round again. */
		if (!to || (uint64_t)pointers + (uint64_t)i * 4 > UINT32_MAX ||
		    !memory_store32(&w->memory, pointers + i * 4, (uint32_t)buffer))
			return WASI_FAULT;
		memcpy(to, texts[i], len);
		buffer += len;
	}
	return WASI_SUCCESS;
}

uint32_t wasi_args_sizes_get(struct wasi *w, uint32_t n, uint32_t size)
{
	return put_sizes(w, w->setup.argv, n, size);
}

uint32_t wasi_args_get(struct wasi *w, uint32_t argv, uint32_t buffer)
{
	return put_texts(w, w->setup.argv, argv, buffer);
}

uint32_t wasi_environ_sizes_get(struct wasi *w, uint32_t n, uint32_t size)
{
	return put_sizes(w, w->setup.envp, n, size);
}

uint32_t wasi_environ_get(struct wasi *w, uint32_t envp, uint32_t buffer)
{
	return put_texts(w, w->setup.envp, envp, buffer);
}

static const clockid_t clocks[CLOCK_IDS] = {
	[CLOCK_ID_REALTIME] = CLOCK_REALTIME, [CLOCK_ID_MONOTONIC] = CLOCK_MONOTONIC,
	[CLOCK_ID_PROCESS] = CLOCK_PROCESS_CPUTIME_ID, [CLOCK_ID_THREAD] = CLOCK_THREAD_CPUTIME_ID,
};

bool moment_now(const struct wasi *w, uint32_t clock, uint64_t *ns)
{
	struct timespec now;

	if (clock >= CLOCK_IDS || clock_gettime(clocks[clock], &now) < 0)
		return false;
	*ns = (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
	*ns -= clock == CLOCK_ID_MONOTONIC ? w->origin_ns : 0;
	return true;
}

uint32_t wasi_clock_res_get(struct wasi *w, uint32_t id, uint32_t out)
{
	const uint64_t grain = w->setup.clock_grain_ns;

	if (id >= CLOCK_IDS)
		return WASI_INVAL;
	return memory_store64(&w->memory, out, grain ? grain : 1) ? WASI_SUCCESS : WASI_FAULT;
}

uint32_t wasi_clock_time_get(struct wasi *w, uint32_t id, uint64_t precision, uint32_t out)
{
	const uint64_t grain = w->setup.clock_grain_ns;
	uint64_t ns;

	(void)precision; /* only ever a wish for more */
	if (!moment_now(w, id, &ns))
		return WASI_INVAL;
	return memory_store64(&w->memory, out, grain ? ns - ns % grain : ns) ? WASI_SUCCESS : WASI_FAULT;
}

uint32_t wasi_random_get(struct wasi *w, uint32_t buffer, uint32_t len)
{
	uint8_t *const to = memory_at(&w->memory, buffer, len);

	if (!to)
		return WASI_FAULT;
	for (size_t at = 0; at < len;) {
		/* Up to 256 bytes come whole or not at all, and no signal interrupts them: getrandom(2). */
		const size_t n = len - at < 256 ? len - at : 256;

		if (getrandom(to + at, n, 0) != (ssize_t)n)
			return WASI_IO;
		at += n;
	}
	return WASI_SUCCESS;
}

uint32_t wasi_sched_yield(struct wasi *w)
{
	(void)w;
	return sched_yield() < 0 ? wasi_errno_of(errno) : WASI_SUCCESS;
}

uint32_t wasi_proc_exit(struct wasi *w, uint32_t code)
{
	w->ended = true;
	w->exit_code = code;
	return WASI_SUCCESS;
}

/* A guest has no process whose signals could mean something. */
uint32_t wasi_proc_raise(struct wasi *w, uint32_t signal)
{
	(void)w;
	(void)signal;
	return WASI_NOTSUP;
}
