/* Why a system call is in a derived policy: how often, from where, on what. Says only what was recorded. */
#include <inttypes.h>
#include <string.h>

#include "judge/derive_parts.h"
#include "model/syscalls.h"

#define REASONS 2       /* sites that are named */

static const char *base_name(const char *path)
{
	const char *const slash = strrchr(path, '/');

	return slash ? slash + 1 : path;
}

static void add_place(struct str *out, const struct record_place *place)
{
	derive_comment(out, base_name(place->module));
	if (place->symbol) {
		str_add(out, " ");
		derive_comment(out, place->symbol);
	}
}

static const struct record_site *nth_site(const struct record_call *call, size_t wanted)
{
	const struct record_site *best = NULL;

	for (size_t rank = 0; rank <= wanted; rank++) {
		const struct record_site *next = NULL;

		for (size_t i = 0; i < call->n_sites; i++) {
			const struct record_site *const site = &call->sites[i];
			const bool is_after = !best || site->count < best->count ||
					      (site->count == best->count && site > best);

			if (is_after && (!next || site->count > next->count))
				next = site;
		}
		if (!next)
			return NULL;
		best = next;
	}
	return best;
}

static size_t count_files(const struct record *record, unsigned access)
{
	size_t n = 0;

	for (size_t i = 0; i < record->n_files; i++)
		n += (record->files[i].access & access) != 0 && record->files[i].exists;
	return n;
}

/* What the call was used on, for calls that name it by a pointer. */
static void add_objects(const struct deriving *d, uint32_t nr)
{
	static const struct { const char *name; unsigned access; const char *what; } rows[] = {
		{ "open", ACCESS_READ | ACCESS_WRITE | ACCESS_LIST, "opened" },
		{ "openat", ACCESS_READ | ACCESS_WRITE | ACCESS_LIST, "opened" },
		{ "execve", ACCESS_EXEC, "executed" }, { "unlink", ACCESS_UNLINK, "removed" },
		{ "unlinkat", ACCESS_UNLINK, "removed" }, { "getdents64", ACCESS_LIST, "listed" },
	};
	const char *const name = syscalls_name(nr);

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		if (strcmp(rows[i].name, name) == 0 && count_files(d->record, rows[i].access))
			str_addf(d->out, "; %zu files %s", count_files(d->record, rows[i].access), rows[i].what);
	if (strcmp(name, "connect") != 0 && strcmp(name, "bind") != 0)
		return;
	for (size_t i = 0, n = 0; i < d->record->n_hosts && n < 3; i++) {
		const struct record_host *const host = &d->record->hosts[i];

		if (*name == 'c' ? !host->connects : !host->binds)
			continue;
		str_add(d->out, n++ ? ", " : "; ");
		derive_comment(d->out, host->address);
		if (host->port)
			str_addf(d->out, " port %u", host->port);
	}
}

/* What hangs on the moment and not on the program. */
const char *derive_unasked(const struct deriving *d, uint32_t nr)
{
	static const struct { const char *call, *after, *why; } rows[] = {
		{ "execve", NULL, "ward starts the program with it" },
		{ "restart_syscall", "rt_sigaction", "not seen; the kernel's own way back into an interrupted sleep" },
		{ "rt_sigreturn", "rt_sigaction", "not seen; every handler of a signal ends with it" },
		{ "sched_getaffinity", "futex", "not seen; the C library's malloc asks when threads meet in it" },
		{ "sched_yield", "futex", "not seen; threads that meet at a lock may make it" },
	};
	const char *const name = syscalls_name(nr);

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		if (strcmp(rows[i].call, name) == 0 &&
		    (!rows[i].after || d->record->calls[syscalls_number(rows[i].after)].count))
			return rows[i].why;
	return NULL;
}

void derive_reason(const struct deriving *d, uint32_t nr, const struct record_call *call)
{
	if (!call->count) {
		str_add(d->out, derive_unasked(d, nr));
		return;
	}
	str_addf(d->out, "%" PRIu64 " call%s", call->count, call->count == 1 ? "" : "s");
	if (call->refused)
		str_addf(d->out, ", %" PRIu64 " refused", call->refused);
	for (size_t i = 0; i < REASONS; i++) {
		const struct record_site *const site = nth_site(call, i);

		if (!site || !site->at.module)
			break;
		str_add(d->out, i ? ", " : "; ");
		add_place(d->out, &site->at);
		if (site->by.module && strcmp(site->by.module, site->at.module) != 0) {
			str_add(d->out, " for ");
			add_place(d->out, &site->by);
		}
	}
	if (call->sites_more || call->n_sites > REASONS)
		str_add(d->out, " and others");
	add_objects(d, nr);
}
