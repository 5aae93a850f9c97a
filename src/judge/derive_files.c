/* The files of a derived policy: what was used, gathered into few directories. Refuses to gather above the
 * grant it came from, into / or a top directory, or into somebody's home as a whole. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "boundary/hostview.h"
#include "judge/derive_parts.h"
#include "model/policy_grant.h"
#include "model/policy_value.h"

#define PLACES 24       /* entries, before they are gathered further up */
#define CROWD  3        /* files of one directory, before they become the directory */

/* An entry in the making. */
struct place {
	const char *path;               /* inside; in the arena */
	const struct grant *under;      /* what it was reached by; NULL: not known */
	size_t n_files;
	uint8_t access, phases;
	bool is_dir;
};

struct places {
	struct place *at;
	size_t n, cap;
	struct arena arena;
};

#define WRITES (ACCESS_WRITE | ACCESS_CREATE | ACCESS_UNLINK)

static bool is_in_view(const char *path)
{
	for (const char *const *tree = hostview_trees; *tree; tree++)
		if (policy_path_is_in(path, *tree))
			return true;
	for (const char *const *etc = hostview_etc; *etc; etc++)
		if (policy_path_is_in(path, *etc))
			return true;
	for (const struct hostview_file *file = hostview_files; file->path; file++)
		if (strcmp(path, file->path) == 0)
			return true;
	return false;
}

static bool is_host(const struct grant *grant)
{
	return grant->kind == GRANT_READ &&
	       (strcmp(grant->what, "host") == 0 || strcmp(grant->what, "image") == 0);
}

/* The innermost grant of the policy it ran under. */
static const struct grant *grant_of(const struct policy *under, const char *path)
{
	const struct grant *best = NULL;

	for (size_t i = 0; under && i < under->n_grants; i++) {
		const struct grant *const grant = &under->grants[i];

		if (!is_host(grant) && policy_path_is_in(path, grant->as) &&
		    (!best || strlen(grant->as) > strlen(best->as)))
			best = grant;
	}
	return best;
}

static bool holds_home(const struct deriving *d, const char *path)
{
	return (d->how->home && policy_path_is_in(d->how->home, path)) || strcmp(path, "/") == 0 ||
	       strcmp(path, "/home") == 0 || strcmp(path, "/root") == 0 ||
	       (strncmp(path, "/home/", 6) == 0 && !strchr(path + 6, '/'));
}

/* A directory that no entry may be where nobody granted it: too much lies in it. */
static bool is_too_wide(const struct deriving *d, const char *path)
{
	return !strchr(path + 1, '/') || holds_home(d, path) || policy_owned_tree(path);
}

static void add_place(struct places *places, const struct place *place)
{
	places->at = mem_grow(places->at, &places->cap, places->n + 1, sizeof(*places->at));
	places->at[places->n++] = *place;
}

static void join(struct place *into, const struct place *from)
{
	into->n_files += from->n_files;
	into->access |= from->access;
	into->phases |= from->phases;
	into->is_dir |= from->is_dir;
}

static const char *parent_of(struct places *places, const char *path)
{
	const char *const slash = strrchr(path, '/');

	return slash == path ? "/" : arena_copy(&places->arena, path, (size_t)(slash - path));
}

/* The directory above, where an entry may be it: not above the grant, not too wide; else NULL. */
static const char *above(const struct deriving *d, struct places *places, const struct place *place)
{
	const char *const parent = parent_of(places, place->path);
	const bool is_granted = place->under && policy_path_is_in(parent, place->under->as);

	if (place->under ? !is_granted || holds_home(d, parent) : is_too_wide(d, parent))
		return NULL;
	return parent;
}

static bool writes(const struct place *place)
{
	return (place->access & WRITES) && (!place->under || place->under->kind == GRANT_WRITE);
}

static bool runs(const struct place *place)
{
	return (place->access & ACCESS_EXEC) &&
	       (!place->under || place->under->kind == GRANT_EXEC || place->under->may_exec);
}

/* A directory comes before what lies in it, and nothing else comes between. */
static int by_path(const void *a, const void *b)
{
	const unsigned char *x = (const void *)((const struct place *)a)->path;
	const unsigned char *y = (const void *)((const struct place *)b)->path;

	while (*x && *x == *y)
		x++, y++;
	return (*x == '/' ? 1 : *x) - (*y == '/' ? 1 : *y);
}

static size_t depth_of(const char *path)
{
	size_t n = 0;

	for (; *path; path++)
		n += *path == '/';
	return n;
}

/* Whether an entry for `place` gives what the other one needs. */
static bool covers(const struct place *place, const struct place *other)
{
	return place->under == other->under && (writes(place) || !writes(other)) &&
	       (runs(place) || !runs(other));
}

/* Equal paths become one, and what lies in a directory that is there anyway belongs to it. */
static void merge(struct places *places)
{
	size_t kept = 0, dir = SIZE_MAX;

	if (places->n)
		qsort(places->at, places->n, sizeof(*places->at), by_path);
	for (size_t i = 0; i < places->n; i++) {
		struct place *const one = &places->at[i];

		if (kept && strcmp(places->at[kept - 1].path, one->path) == 0) {
			join(&places->at[kept - 1], one);
		} else if (dir < kept && policy_path_is_in(one->path, places->at[dir].path) &&
			   covers(&places->at[dir], one)) {
			join(&places->at[dir], one);
			continue;
		} else {
			places->at[kept++] = *one;
		}
		if (places->at[kept - 1].is_dir)
			dir = kept - 1;
	}
	places->n = kept;
}

/* Places that a common directory would serve alike: of one depth, one parent, one right. */
static bool are_siblings(const struct place *a, const struct place *b)
{
	const size_t len = (size_t)(strrchr(a->path, '/') - a->path);

	return len == (size_t)(strrchr(b->path, '/') - b->path) && strncmp(a->path, b->path, len) == 0 &&
	       a->under == b->under && writes(a) == writes(b) && runs(a) == runs(b);
}

/* Crowds of one depth become their directory; every place does when there are too many. */
static void gather_level(const struct deriving *d, struct places *places, size_t depth)
{
	const size_t crowd = places->n > PLACES ? 1 : CROWD;

	for (size_t i = 0; i < places->n; i++) {
		struct place *const first = &places->at[i];
		const char *const parent = depth_of(first->path) == depth ? above(d, places, first) : NULL;
		size_t n = 0;

		for (size_t k = i; parent && k < places->n && policy_path_is_in(places->at[k].path, parent); k++)
			n += are_siblings(first, &places->at[k]);
		if (!parent || n < crowd)
			continue;
		for (size_t k = i + 1; k < places->n && policy_path_is_in(places->at[k].path, parent); k++)
			if (are_siblings(first, &places->at[k]))
				places->at[k].path = parent, places->at[k].is_dir = true;
		first->path = parent;
		first->is_dir = true;
	}
	merge(places);
}

static void gather(const struct deriving *d, struct places *places)
{
	size_t deepest = 0;

	merge(places);
	for (size_t i = 0; i < places->n; i++)
		if (depth_of(places->at[i].path) > deepest)
			deepest = depth_of(places->at[i].path);
	for (size_t depth = deepest; depth > 1; depth--)
		gather_level(d, places, depth);
}

/* A path that no policy can say, and a directory that holds too much, are left to whoever reads this. */
static bool can_grant(const struct deriving *d, const struct record_file *file, const struct grant *under)
{
	if (file->is_odd || !policy_path_is_clean(file->path))
		return false;
	return !file->is_dir || !(under ? holds_home(d, file->path) : is_too_wide(d, file->path));
}

static void collect(struct deriving *d, struct places *places, size_t *n_host)
{
	for (size_t i = 0; i < d->record->n_files; i++) {
		const struct record_file *const file = &d->record->files[i];
		const struct grant *const under = grant_of(d->how->under, file->path);
		struct place place = { .path = file->path, .under = under, .n_files = 1,
				       .access = file->access, .phases = file->phases,
				       .is_dir = file->is_dir };

		/* Looked at before the call: what it made was not there yet. */
		if (!(file->exists || file->access & ACCESS_CREATE) || policy_owned_tree(file->path))
			continue;
		if (!under && is_in_view(file->path)) {
			++*n_host;
			continue;
		}
		/* Not granted, and yet there: a directory that leads to a grant. */
		if ((d->how->under && !under) || (!(file->access & ~ACCESS_STAT) && file->is_dir))
			continue;
		if (!can_grant(d, file, under)) {
			d->counts->n_uncovered++;
			continue;
		}
		if (file->access & (ACCESS_CREATE | ACCESS_UNLINK) && above(d, places, &place)) {
			place.path = above(d, places, &place);
			place.is_dir = true;
		}
		add_place(places, &place);
	}
}

static void add_what(const struct deriving *d, const struct place *place)
{
	const struct grant *const under = place->under;
	OWN(str) outside = STR_NONE;

	if (under && under->what && strcmp(under->what, under->as) != 0)
		str_addf(&outside, "%s%s", under->what, place->path + strlen(under->as));
	derive_quoted(d->out, outside.len ? str_text(&outside) : place->path);
	if (outside.len) {
		str_add(d->out, "\n    as: ");
		derive_quoted(d->out, place->path);
	}
}

static const char *phase_name(uint8_t phases)
{
	return phases == PHASE_START ? "at the start" : phases == PHASE_STEADY ? "while it runs" : "throughout";
}

static void add_entry(const struct deriving *d, const struct place *place)
{
	str_addf(d->out, "  # %zu file%s, %s:", place->n_files, place->n_files == 1 ? "" : "s",
		 phase_name(place->phases));
	for (unsigned bit = 0; record_access_name(bit); bit++)
		if (place->access >> bit & 1)
			str_addf(d->out, " %s", record_access_name(bit));
	str_addf(d->out, "\n  - %s: ", writes(place) ? "write" : runs(place) ? "exec" : "read");
	add_what(d, place);
	str_add(d->out, writes(place) && runs(place) ? "\n    exec: true\n" : "\n");
	d->counts->n_grants++;
}

/* Places that are empty at the start are granted as they were: nothing of the host is in them. */
static void add_scratch(const struct deriving *d, const struct grant *grant, size_t n_files, bool is_run)
{
	char size[32];

	str_addf(d->out, "  # %zu file%s\n  - scratch: ", n_files, n_files == 1 ? "" : "s");
	derive_quoted(d->out, grant->as);
	str_add(d->out, "\n");
	if (grant->size) {
		policy_value_format(KEY_SIZE, "", grant->size, size, sizeof(size));
		str_addf(d->out, "    size: %s\n", size);
	}
	if (grant->inodes)
		str_addf(d->out, "    inodes: %" PRIu64 "\n", grant->inodes);
	if (is_run)
		str_add(d->out, "    exec: true\n");
	d->counts->n_grants++;
}

static void add_scratches(const struct deriving *d, struct places *places)
{
	const struct policy *const under = d->how->under;

	for (size_t g = 0; under && g < under->n_grants; g++) {
		const struct grant *const grant = &under->grants[g];
		const char *const cwd = policy_text(under, KEY_CWD);
		size_t n_files = 0, kept = 0;
		bool is_run = false;

		if (grant->kind != GRANT_SCRATCH)
			continue;
		for (size_t i = 0; i < places->n; i++) {
			if (places->at[i].under != grant) {
				places->at[kept++] = places->at[i];
				continue;
			}
			n_files += places->at[i].n_files;
			is_run |= (places->at[i].access & ACCESS_EXEC) != 0;
		}
		places->n = kept;
		if (n_files || (cwd && policy_path_is_in(cwd, grant->as)))
			add_scratch(d, grant, n_files, is_run && grant->may_exec);
	}
}

static const struct grant *host_grant(const struct policy *under)
{
	for (size_t i = 0; under && i < under->n_grants; i++)
		if (is_host(&under->grants[i]))
			return &under->grants[i];
	return NULL;
}

/* What was written in the usual temporary places of an unknown policy needs no file of the host. */
static void make_temporary(const struct deriving *d, struct places *places)
{
	static const struct grant usual[] = {
		{ .kind = GRANT_SCRATCH, .as = "/tmp" }, { .kind = GRANT_SCRATCH, .as = "/var/tmp" },
	};

	for (size_t g = 0; g < ARRAY_SIZE(usual) && !d->how->under; g++) {
		size_t n_files = 0, kept = 0;
		bool is_written = false;

		for (size_t i = 0; i < places->n; i++)
			is_written |= policy_path_is_in(places->at[i].path, usual[g].as) &&
				      (places->at[i].access & WRITES);
		for (size_t i = 0; i < places->n && is_written; i++)
			if (policy_path_is_in(places->at[i].path, usual[g].as))
				n_files += places->at[i].n_files;
			else
				places->at[kept++] = places->at[i];
		if (!is_written)
			continue;
		places->n = kept;
		add_scratch(d, &usual[g], n_files, false);
	}
}

void derive_files(struct deriving *d)
{
	struct places places = { .at = NULL };
	size_t n_host = 0;

	collect(d, &places, &n_host);
	d->counts->n_files = n_host;
	for (size_t i = 0; i < places.n; i++)
		d->counts->n_files += places.at[i].n_files;
	str_add(d->out, "files:\n");
	str_addf(d->out, "  # %zu files of programs and libraries\n  - read: %s\n", n_host,
		 host_grant(d->how->under) ? host_grant(d->how->under)->what : "host");
	d->counts->n_grants++;
	add_scratches(d, &places);
	make_temporary(d, &places);
	gather(d, &places);
	for (size_t i = 0; i < places.n; i++)
		add_entry(d, &places.at[i]);
	if (d->counts->n_uncovered)
		str_addf(d->out, "  # NOT COVERED: %zu, directories that hold too much, or names no policy can say\n",
			 d->counts->n_uncovered);
	free(places.at);
	arena_done(&places.arena);
}
