/* Words and files to JSON. What the service would refuse is left to the service: it says it best, and once. */
#include "remote/document.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/json.h"
#include "serve/base64.h"

#define PIECE 65536

static void file_close(struct document_file *file)
{
	fd_close_at(&file->fd);
}

void document_done(struct document *document)
{
	for (size_t i = 0; i < document->n_files; i++) {
		file_close(&document->files[i]);
		free((char *)(uintptr_t)document->files[i].as);
	}
	file_close(&document->input);
	for (size_t i = 0; i < document->n_env; i++)
		free((char *)(uintptr_t)document->env[i].name);
	for (size_t i = 0; i < document->n_labels; i++)
		free((char *)(uintptr_t)document->labels[i].name);
	free(document->files);
	free(document->env);
	free(document->labels);
	free(document->outputs);
	*document = DOCUMENT_NONE;
}

/* Digest of what the descriptor holds now. */
static int digest_file(struct document_file *file, struct err *e)
{
	OWN_MEM char *piece = mem_raw(PIECE);
	struct sha256 hash;
	uint64_t at = 0;

	sha256_init(&hash);
	while (at < file->bytes) {
		const ssize_t got = pread(file->fd, piece, PIECE, (off_t)at);

		if (got < 0)
			return err_sys(e, "%.120s", file->path);
		if (!got)
			return err_set(e, ERR_CONFLICT, "%.120s became shorter while it was read", file->path);
		sha256_add(&hash, piece, (size_t)got);
		at += (uint64_t)got;
	}
	file->digest = sha256_end(&hash);
	return 0;
}

static int open_file(const char *path, struct document_file *out, struct err *e)
{
	OWN_FD int fd = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
	struct stat st;

	if (fd < 0 || fstat(fd, &st) < 0)
		return err_sys(e, "%.120s", path);
	if (!S_ISREG(st.st_mode))
		return err_set(e, ERR_USAGE, "%.120s is no regular file", path);
	out->path = path;
	out->bytes = (uint64_t)st.st_size;
	out->is_executable = st.st_mode & 0100;
	out->is_blob = out->bytes > DOCUMENT_INLINE;
	out->fd = TAKE_FD(fd);
	return out->is_blob ? digest_file(out, e) : 0;
}

int document_add_file(struct document *document, const char *spec, struct err *e)
{
	const char *const colon = strrchr(spec, ':');
	OWN_MEM char *words = strdup(spec);
	struct document_file file = { .fd = -1 };
	const char *slash;

	if (!words)
		mem_fail();
	if (document->n_files == DOCUMENT_FILES)
		return err_set(e, ERR_LIMIT, "a job has at most %d files", DOCUMENT_FILES);
	if (colon)
		words[colon - spec] = '\0';
	if (open_file(colon ? words : spec, &file, e) < 0)
		return -1;
	slash = strrchr(words, '/');
	file.as = strdup(colon ? colon + 1 : slash ? slash + 1 : words);
	file.path = spec;
	if (!file.as)
		mem_fail();
	document->files = mem_grow(document->files, &document->cap_files, document->n_files + 1, sizeof(file));
	document->files[document->n_files++] = file;
	return 0;
}

int document_set_input(struct document *document, const char *path, struct err *e)
{
	file_close(&document->input);
	return open_file(path, &document->input, e);
}

int document_add_pair(struct document_pair **pairs, size_t *n, size_t *cap, const char *spec, struct err *e)
{
	const size_t len = strcspn(spec, "=");
	char *name;

	if (!len || !spec[len])
		return err_set(e, ERR_USAGE, "'%.60s' is no NAME=VALUE", spec);
	if (*n == DOCUMENT_PAIRS)
		return err_set(e, ERR_LIMIT, "more than %d of them", DOCUMENT_PAIRS);
	name = strndup(spec, len);
	if (!name)
		mem_fail();
	*pairs = mem_grow(*pairs, cap, *n + 1, sizeof(**pairs));
	(*pairs)[(*n)++] = (struct document_pair){ name, spec + len + 1 };
	return 0;
}

static int put_content(struct json *json, const struct document_file *file, struct err *e)
{
	OWN_MEM char *bytes = NULL, *coded = NULL;
	char digest[SHA256_TEXT], name[7 + SHA256_TEXT] = "sha256:";
	size_t len;

	if (file->is_blob) {
		digest_write(&file->digest, digest);
		strcpy(name + 7, digest);
		json_put_text(json, "blob", name);
		return 0;
	}
	if (lseek(file->fd, 0, SEEK_SET) < 0)
		return err_sys(e, "%.120s", file->path);
	if (fd_read_file(file->fd, file->path, DOCUMENT_INLINE, &bytes, &len, e) < 0)
		return -1;
	if (str_is_utf8(bytes, len)) {
		json_put_bytes(json, "text", bytes, len);
		return 0;
	}
	coded = mem_raw(BASE64_LEN(len) + 1);
	base64_write(bytes, len, coded);
	json_put_text(json, "base64", coded);
	return 0;
}

static int put_files(struct json *json, const struct document *document, struct err *e)
{
	if (!document->n_files)
		return 0;
	json_put_array(json, "files");
	for (size_t i = 0; i < document->n_files; i++) {
		json_put_object(json, NULL);
		json_put_text(json, "path", document->files[i].as);
		if (put_content(json, &document->files[i], e) < 0)
			return -1;
		if (document->files[i].is_executable)
			json_put_bool(json, "executable", true);
		json_put_end(json);
	}
	json_put_end(json);
	return 0;
}

static int put_input(struct json *json, const struct document *document, struct err *e)
{
	if (document->input.fd < 0 && !document->is_live)
		return 0;
	json_put_object(json, "stdin");
	if (document->is_live) {
		json_put_bool(json, "live", true);
		json_put_end(json);
		return 0;
	}
	if (put_content(json, &document->input, e) < 0)
		return -1;
	json_put_end(json);
	return 0;
}

static void put_words(struct json *json, const char *key, const struct document *document)
{
	if (!document->argc)
		return;
	json_put_array(json, key);
	for (size_t i = 0; i < document->argc; i++)
		json_put_text(json, NULL, document->argv[i]);
	json_put_end(json);
}

static int put_program(struct json *json, const struct document *document, struct err *e)
{
	if (!document->has_step) {
		put_words(json, "args", document);
		return put_input(json, document, e);
	}
	json_put_array(json, "steps");
	json_put_object(json, NULL);
	put_words(json, "argv", document);
	if (put_input(json, document, e) < 0)
		return -1;
	json_put_end(json);
	json_put_end(json);
	return 0;
}

static void put_pairs(struct json *json, const char *key, const struct document_pair *pairs, size_t n)
{
	if (!n)
		return;
	json_put_object(json, key);
	for (size_t i = 0; i < n; i++)
		json_put_text(json, pairs[i].name, pairs[i].value);
	json_put_end(json);
}

static void put_limits(struct json *json, const struct document *document)
{
	const struct {
		const char *name;
		uint64_t n;
	} rows[] = {
		{ "cpu_ms", document->cpu_ms },             { "wall_ms", document->wall_ms },
		{ "mem_bytes", document->mem_bytes },       { "disk_bytes", document->disk_bytes },
		{ "stdout_bytes", document->stdout_bytes }, { "stderr_bytes", document->stderr_bytes },
		{ "pids", document->pids },                 { "cpus_milli", document->cpus_milli },
	};

	json_put_object(json, "limits");
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		if (rows[i].n)
			json_put_u64(json, rows[i].name, rows[i].n);
	json_put_end(json);
}

static void put_outputs(struct json *json, const struct document *document)
{
	if (!document->n_outputs)
		return;
	json_put_array(json, "outputs");
	for (size_t i = 0; i < document->n_outputs; i++) {
		json_put_object(json, NULL);
		json_put_text(json, "path", document->outputs[i]);
		json_put_end(json);
	}
	json_put_end(json);
}

static void put_tty(struct json *json, uint32_t tty)
{
	if (!tty)
		return;
	json_put_object(json, "tty");
	json_put_u64(json, "rows", tty >> 16);
	json_put_u64(json, "cols", tty & 0xffff);
	json_put_end(json);
}

static void put_rest(struct json *json, const struct document *document)
{
	put_pairs(json, "labels", document->labels, document->n_labels);
	put_pairs(json, "env", document->env, document->n_env);
	put_limits(json, document);
	put_outputs(json, document);
	put_tty(json, document->tty);
	if (document->deadline)
		json_put_text(json, "deadline", document->deadline);
	if (document->priority)
		json_put_u64(json, "priority", document->priority - 1);
	if (document->ttl_s)
		json_put_u64(json, "ttl_s", document->ttl_s);
	if (document->attempts) {
		json_put_object(json, "retry");
		json_put_u64(json, "max_attempts", document->attempts);
		json_put_end(json);
	}
}

int document_write(struct document *document, struct str *out, struct err *e)
{
	OWN(json) json = JSON_NONE;

	json_put_object(&json, NULL);
	if (document->name)
		json_put_text(&json, "name", document->name);
	json_put_text(&json, "runtime", document->runtime);
	if (document->boundary)
		json_put_text(&json, "boundary", document->boundary);
	if (put_files(&json, document, e) < 0 || put_program(&json, document, e) < 0)
		return -1;
	put_rest(&json, document);
	json_put_end(&json);
	if (json.out.cut)
		return err_set(e, ERR_LIMIT, "the job's files and words have more than %zu bytes together; larger files go as blobs "
			       "by themselves", STR_MAX);
	str_add_bytes(out, json.out.at, json.out.len);
	return 0;
}
