/* A record as JSON, and back. The reader takes what the writer writes and refuses everything else: a
 * record may come from somebody else, and a policy will be made from it. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <jansson.h>

#include "base/clean.h"
#include "base/json.h"
#include "model/record.h"
#include "model/syscalls.h"

#define SCHEMA "ward.record.1"
#define COUNT_MAX ((uint64_t)1 << 53)   /* what every reader of JSON keeps exact */
#define CAP_LAST 63

static const char *const phase_names[] = { "none", "start", "steady", "both" };

/* Larger than JSON's integers, and people compare them in hexadecimal. */
static void put_word(struct json *json, const char *key, uint64_t word)
{
	char text[24];

	snprintf(text, sizeof(text), "0x%" PRIx64, word);
	json_put_text(json, key, text);
}

static void put_count(struct json *json, const char *key, uint64_t n)
{
	json_put_u64(json, key, n < COUNT_MAX ? n : COUNT_MAX);
}

static void put_arg(struct json *json, const struct record_arg *arg)
{
	json_put_object(json, NULL);
	json_put_array(json, "values");
	for (uint8_t i = 0; i < arg->n; i++)
		put_word(json, NULL, arg->values[i]);
	json_put_end(json);
	json_put_bool(json, "more", arg->more);
	put_word(json, "all", arg->all);
	put_word(json, "any", arg->any);
	json_put_end(json);
}

static void put_place(struct json *json, const char *key, const struct record_place *place)
{
	json_put_object(json, key);
	json_put_text(json, "module", place->module);
	put_word(json, "offset", place->offset);
	json_put_text(json, "symbol", place->symbol);
	json_put_end(json);
}

static void put_site(struct json *json, const struct record_site *site)
{
	json_put_object(json, NULL);
	put_place(json, "at", &site->at);
	put_place(json, "by", &site->by);
	put_count(json, "count", site->count);
	json_put_text(json, "phases", phase_names[site->phases & 3]);
	json_put_end(json);
}

static void put_call(struct json *json, uint32_t nr, const struct record_call *call)
{
	json_put_object(json, NULL);
	json_put_u64(json, "nr", nr);
	json_put_text(json, "call", syscalls_name(nr));
	put_count(json, "count", call->count);
	put_count(json, "refused", call->refused);
	json_put_text(json, "phases", phase_names[call->phases & 3]);
	json_put_array(json, "args");
	for (unsigned i = 0; i < 6; i++)
		put_arg(json, &call->args[i]);
	json_put_end(json);
	json_put_array(json, "sites");
	for (uint8_t i = 0; i < call->n_sites; i++)
		put_site(json, &call->sites[i]);
	json_put_end(json);
	json_put_bool(json, "sites_more", call->sites_more);
	json_put_end(json);
}

static void put_file(struct json *json, const struct record_file *file)
{
	json_put_object(json, NULL);
	json_put_text(json, "path", file->path);
	json_put_array(json, "access");
	for (unsigned i = 0; i < RECORD_ACCESSES; i++)
		if (file->access >> i & 1)
			json_put_text(json, NULL, record_access_name(i));
	json_put_end(json);
	json_put_bool(json, "exists", file->exists);
	json_put_bool(json, "is_dir", file->is_dir);
	json_put_bool(json, "is_odd", file->is_odd);
	put_count(json, "count", file->count);
	json_put_text(json, "phases", phase_names[file->phases & 3]);
	json_put_end(json);
}

static void put_host(struct json *json, const struct record_host *host)
{
	json_put_object(json, NULL);
	json_put_text(json, "family", record_family_name(host->family));
	json_put_text(json, "address", host->address);
	json_put_u64(json, "port", host->port);
	json_put_bool(json, "connects", host->connects);
	json_put_bool(json, "binds", host->binds);
	put_count(json, "count", host->count);
	json_put_text(json, "phases", phase_names[host->phases & 3]);
	json_put_end(json);
}

static void put_cap(struct json *json, const struct record_cap *cap)
{
	json_put_object(json, NULL);
	json_put_u64(json, "cap", cap->cap);
	json_put_u64(json, "nr", cap->nr);
	json_put_bool(json, "maybe", cap->maybe);
	put_count(json, "count", cap->count);
	json_put_end(json);
}

static void put_lists(const struct record *record, struct json *json)
{
	json_put_array(json, "calls");
	for (uint32_t nr = 0; nr < RECORD_CALLS; nr++)
		if (record->calls[nr].count)
			put_call(json, nr, &record->calls[nr]);
	json_put_end(json);
	json_put_array(json, "files");
	for (size_t i = 0; i < record->n_files; i++)
		put_file(json, &record->files[i]);
	json_put_end(json);
	json_put_array(json, "hosts");
	for (size_t i = 0; i < record->n_hosts; i++)
		put_host(json, &record->hosts[i]);
	json_put_end(json);
	json_put_array(json, "caps");
	for (size_t i = 0; i < record->n_caps; i++)
		put_cap(json, &record->caps[i]);
	json_put_end(json);
}

void record_write(const struct record *record, struct json *out)
{
	json_put_object(out, NULL);
	json_put_text(out, "schema", SCHEMA);
	json_put_array(out, "argv");
	for (size_t i = 0; i < record->n_argv; i++)
		json_put_text(out, NULL, record->argv[i]);
	json_put_end(out);
	json_put_text(out, "policy", record->policy);
	json_put_text(out, "boundary", record->boundary);
	json_put_u64(out, "runs", record->runs);
	json_put_text(out, "cut", record->cut);
	put_count(out, "unknown", record->unknown);
	put_lists(record, out);
	json_put_end(out);
	json_put_line(out);
}

/* Where reading stands. The first thing that is wrong is said, the rest is then only passed over. */
struct reader {
	const char *name;
	const char *list;               /* "calls", NULL at the top */
	size_t index;
	size_t n_read;                  /* members of the object in hand */
	struct record *record;
	struct err *e;
	bool is_wrong;
};

static void wrong(struct reader *r, const char *key, const char *wants)
{
	if (!r->is_wrong && r->list)
		err_set(r->e, ERR_USAGE, "%.100s: %s[%zu].%s: wants %s", r->name, r->list, r->index, key, wants);
	else if (!r->is_wrong)
		err_set(r->e, ERR_USAGE, "%.100s: %s: wants %s", r->name, key, wants);
	r->is_wrong = true;
}

static const json_t *member(struct reader *r, const json_t *object, const char *key)
{
	const json_t *const value = json_object_get(object, key);

	r->n_read += value != NULL;
	return value;
}

static uint64_t get_number(struct reader *r, const json_t *object, const char *key, uint64_t most)
{
	const json_t *const value = member(r, object, key);
	const json_int_t n = json_integer_value(value);

	if (!json_is_integer(value) || n < 0 || (uint64_t)n > most) {
		wrong(r, key, "a whole number in its range");
		return 0;
	}
	return (uint64_t)n;
}

static bool get_bool(struct reader *r, const json_t *object, const char *key)
{
	const json_t *const value = member(r, object, key);

	if (!json_is_boolean(value))
		wrong(r, key, "true or false");
	return json_is_true(value);
}

/* Borrowed from the document; NULL for null. */
static const char *get_text(struct reader *r, const json_t *object, const char *key, bool may_be_null)
{
	const json_t *const value = member(r, object, key);

	if (may_be_null && json_is_null(value))
		return NULL;
	if (!json_is_string(value) || !clean_is(json_string_value(value), json_string_length(value))) {
		wrong(r, key, "a text without control bytes");
		return "";
	}
	return json_string_value(value);
}

static uint64_t read_word(struct reader *r, const json_t *value, const char *key)
{
	const char *const text = json_string_value(value);
	uint64_t word = 0;
	int used = 0;

	if (!text || strncmp(text, "0x", 2) != 0 || strlen(text) > 18 ||
	    sscanf(text, "0x%" SCNx64 "%n", &word, &used) != 1 || text[used] || text[2] == '-' || text[2] == '+')
		wrong(r, key, "a text such as \"0x1f\"");
	return word;
}

static size_t find_name(struct reader *r, const char *key, const char *text, const char *(*at)(size_t i))
{
	for (size_t i = 0; text && at(i); i++)
		if (!strcmp(at(i), text))
			return i;
	wrong(r, key, "a known name");
	return 0;
}

static const char *phase_at(size_t i)
{
	return i < ARRAY_SIZE(phase_names) ? phase_names[i] : NULL;
}

static const char *access_at(size_t i)
{
	return record_access_name((unsigned)i);
}

static const char *family_at(size_t i)
{
	return record_family_name((enum record_family)i);
}

static uint8_t get_phases(struct reader *r, const json_t *object)
{
	return (uint8_t)find_name(r, "phases", get_text(r, object, "phases", false), phase_at);
}

static const json_t *get_list(struct reader *r, const json_t *object, const char *key, size_t most)
{
	const json_t *const value = member(r, object, key);

	if (!json_is_array(value) || json_array_size(value) > most)
		wrong(r, key, "a list within its bounds");
	return value;
}

/* Begins an object, whose members are then counted; end_object() refuses those nobody asked for. */
static size_t begin_object(struct reader *r, const json_t *value, const char *key)
{
	const size_t before = r->n_read;

	if (!json_is_object(value))
		wrong(r, key, "an object");
	r->n_read = 0;
	return before;
}

static void end_object(struct reader *r, const json_t *value, const char *key, size_t before)
{
	if (json_object_size(value) != r->n_read)
		wrong(r, key, "no other member than those of " SCHEMA);
	r->n_read = before;
}

static void read_arg(struct reader *r, const json_t *value, struct record_arg *arg)
{
	const size_t before = begin_object(r, value, "args");
	const json_t *const values = get_list(r, value, "values", RECORD_VALUES);

	for (size_t i = 0; !r->is_wrong && i < json_array_size(values); i++) {
		arg->values[i] = read_word(r, json_array_get(values, i), "values");
		if (i && arg->values[i] <= arg->values[i - 1])
			wrong(r, "values", "values in order");
		arg->n++;
	}
	arg->more = get_bool(r, value, "more");
	arg->all = read_word(r, member(r, value, "all"), "all");
	arg->any = read_word(r, member(r, value, "any"), "any");
	end_object(r, value, "args", before);
}

static struct record_place read_place(struct reader *r, const json_t *object, const char *key)
{
	const json_t *const value = member(r, object, key);
	const size_t before = begin_object(r, value, key);
	const struct record_place place = {
		.module = get_text(r, value, "module", true),
		.offset = read_word(r, member(r, value, "offset"), "offset"),
		.symbol = get_text(r, value, "symbol", true),
	};

	end_object(r, value, key, before);
	return place;
}

static void read_sites(struct reader *r, const json_t *list, uint32_t nr)
{
	for (size_t i = 0; !r->is_wrong && i < json_array_size(list); i++) {
		const json_t *const value = json_array_get(list, i);
		const size_t before = begin_object(r, value, "sites");
		const struct record_site site = {
			.at = read_place(r, value, "at"),
			.by = read_place(r, value, "by"),
			.count = get_number(r, value, "count", COUNT_MAX),
			.phases = get_phases(r, value),
		};

		end_object(r, value, "sites", before);
		if (!r->is_wrong)
			record_add_site(r->record, nr, &site);
	}
}

static void read_call(struct reader *r, const json_t *value)
{
	const uint32_t nr = (uint32_t)get_number(r, value, "nr", RECORD_CALLS - 1);
	const char *const name = get_text(r, value, "call", true), *const known = syscalls_name(nr);
	struct record_call *const call = &r->record->calls[nr];
	const json_t *const args = get_list(r, value, "args", 6);

	if ((name && known && strcmp(name, known) != 0) || !name != !known)
		wrong(r, "call", "the name of that number");
	if (call->count)
		wrong(r, "nr", "each call once");
	call->count = get_number(r, value, "count", COUNT_MAX);
	call->refused = get_number(r, value, "refused", COUNT_MAX);
	if (!call->count || call->refused > call->count)
		wrong(r, "count", "at least 1, and at least as many as were refused");
	call->phases = get_phases(r, value);
	if (json_array_size(args) != 6)
		wrong(r, "args", "six arguments");
	for (unsigned i = 0; !r->is_wrong && i < 6; i++)
		read_arg(r, json_array_get(args, i), &call->args[i]);
	read_sites(r, get_list(r, value, "sites", RECORD_SITES), nr);
	call->sites_more = get_bool(r, value, "sites_more");
}

static void read_file(struct reader *r, const json_t *value)
{
	struct record_file file = { .path = get_text(r, value, "path", false) };
	const json_t *const access = get_list(r, value, "access", RECORD_ACCESSES);

	if (*file.path != '/')
		wrong(r, "path", "a path that begins with '/'");
	for (size_t i = 0; !r->is_wrong && i < json_array_size(access); i++)
		file.access |= (uint8_t)(1u << find_name(r, "access", json_string_value(json_array_get(access, i)),
							 access_at));
	file.exists = get_bool(r, value, "exists");
	file.is_dir = get_bool(r, value, "is_dir");
	file.is_odd = get_bool(r, value, "is_odd");
	file.count = get_number(r, value, "count", COUNT_MAX);
	file.phases = get_phases(r, value);
	if (!r->is_wrong)
		record_add_file(r->record, &file);
}

static void read_host(struct reader *r, const json_t *value)
{
	const struct record_host host = {
		.family = (enum record_family)find_name(r, "family", get_text(r, value, "family", false), family_at),
		.address = get_text(r, value, "address", false),
		.port = (uint16_t)get_number(r, value, "port", UINT16_MAX),
		.connects = get_bool(r, value, "connects"),
		.binds = get_bool(r, value, "binds"),
		.count = get_number(r, value, "count", COUNT_MAX),
		.phases = get_phases(r, value),
	};

	if (!r->is_wrong)
		record_add_host(r->record, &host);
}

static void read_cap(struct reader *r, const json_t *value)
{
	const struct record_cap cap = {
		.cap = (uint32_t)get_number(r, value, "cap", CAP_LAST),
		.nr = (uint32_t)get_number(r, value, "nr", RECORD_CALLS - 1),
		.maybe = get_bool(r, value, "maybe"),
		.count = get_number(r, value, "count", COUNT_MAX),
	};

	if (!r->is_wrong)
		record_add_cap(r->record, &cap);
}

static void read_list(struct reader *r, const json_t *root, const char *key, size_t most,
		      void (*read)(struct reader *r, const json_t *value))
{
	const json_t *const list = get_list(r, root, key, most);
	const size_t n_read = r->n_read;

	r->list = key;
	for (r->index = 0; !r->is_wrong && r->index < json_array_size(list); r->index++) {
		const json_t *const value = json_array_get(list, r->index);

		begin_object(r, value, "");
		if (!r->is_wrong)
			read(r, value);
		end_object(r, value, "", 0);
	}
	r->n_read = n_read;
	r->list = NULL;
}

static void read_head(struct reader *r, const json_t *root)
{
	struct record *const record = r->record;
	const json_t *const argv = get_list(r, root, "argv", RECORD_WORDS);
	const char *cut;

	if (strcmp(get_text(r, root, "schema", false), SCHEMA) != 0)
		wrong(r, "schema", "\"" SCHEMA "\"; write one with `ward trace --format json`");
	for (size_t i = 0; !r->is_wrong && i < json_array_size(argv); i++) {
		const char *const word = json_string_value(json_array_get(argv, i));

		if (!word || !clean_is(word, strlen(word)))
			wrong(r, "argv", "texts without control bytes");
		record_set_text(record, &record->argv[record->n_argv++], word);
	}
	record_set_text(record, &record->policy, get_text(r, root, "policy", true));
	record_set_text(record, &record->boundary, get_text(r, root, "boundary", true));
	record->runs = (uint32_t)get_number(r, root, "runs", UINT32_MAX);
	record->unknown = get_number(r, root, "unknown", COUNT_MAX);
	cut = get_text(r, root, "cut", true);
	if (cut)
		record_cut(record, cut);
}

static int parse(const char *name, const char *text, size_t len, json_t **root, struct err *e)
{
	json_error_t error;

	if (len > RECORD_BYTES)
		return err_set(e, ERR_LIMIT, "%.100s: %zu bytes; a record has at most %zu", name, len, RECORD_BYTES);
	*root = json_loadb(text, len, JSON_REJECT_DUPLICATES, &error);
	if (*root)
		return 0;
	return err_set(e, ERR_USAGE, "%.100s:%d:%d: not JSON: %s; give a file that `ward trace --format json` wrote", name,
		       error.line, error.column, error.text);
}

int record_read(const char *name, const char *text, size_t len, struct record *out, struct err *e)
{
	struct reader r = { .name = name, .record = mem_alloc(sizeof(*out)), .e = e };
	json_t *root = NULL;

	if (parse(name, text, len, &root, e) < 0) {
		free(r.record);
		return -1;
	}
	begin_object(&r, root, "the document");
	read_head(&r, root);
	read_list(&r, root, "calls", RECORD_CALLS, read_call);
	read_list(&r, root, "files", RECORD_FILES, read_file);
	read_list(&r, root, "hosts", RECORD_HOSTS, read_host);
	read_list(&r, root, "caps", RECORD_CAPS, read_cap);
	end_object(&r, root, "the document", 0);
	json_decref(root);
	if (r.is_wrong)
		record_done(r.record);
	else
		memcpy(out, r.record, sizeof(*out));
	free(r.record);
	return r.is_wrong ? -1 : 0;
}
