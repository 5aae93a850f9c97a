/* Bytes that clients keep here for their jobs, named by their digest, each tenant for itself: the same bytes of two
 * tenants are two blobs, and nobody learns from an answer or its time what another has. Bytes go to a file as they come;
 * the row is written when they are whole, synced, and are what the digest says. */
#include "api/blob.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "api/handlers.h"
#include "api/http.h"
#include "api/job_show.h"
#include "api/range.h"
#include "api/send_file.h"
#include "base/fd.h"
#include "serve/place.h"
#include "store/store_blob.h"

#define UPLOADS_MAX  64         /* of all tenants */
#define UPLOADS_EACH 8
#define SYNC_EACH    ((uint64_t)8 << 20)        /* in pieces, so that the last sync does not stop everybody */
#define KEEP_US      600000000  /* an upload in pieces that nobody goes on with */

/* One upload, whole or in pieces. It outlives its requests only while its digest is known and it is not whole. */
struct upload {
	struct upload *next, **at;
	struct front *front;
	struct request *request;        /* that feeds it now, or NULL */
	uint64_t tenant, received, total, synced, touched_us;
	struct store_id file;
	struct sha256 hash;
	struct digest wanted;
	bool is_named;                  /* wanted is known */
	bool is_alone;                  /* nobody goes on with it: beside another of the same bytes */
	int fd;
};

static void upload_path(const struct upload *upload, char out[PLACE_MAX])
{
	place_name(PLACE_BLOB, &upload->file, out);
}

static void upload_unlink(struct upload *upload)
{
	*upload->at = upload->next;
	if (upload->next)
		upload->next->at = upload->at;
	upload->front->n_uploads--;
	fd_close(upload->fd);
	free(upload);
}

static void upload_drop(struct upload *upload)
{
	char path[PLACE_MAX];

	upload_path(upload, path);
	(void)unlinkat(upload->front->state_fd, path, 0);
	upload_unlink(upload);
}

void uploads_sweep(struct front *front, bool all)
{
	const uint64_t now = loop_now_us();
	struct upload *next;

	for (struct upload *upload = front->uploads; upload; upload = next) {
		next = upload->next;
		if (all || (!upload->request && now - upload->touched_us > KEEP_US))
			upload_drop(upload);
	}
}

/* The request ends: what can be gone on with stays, the rest goes. */
static void request_left(void *own)
{
	struct upload *const upload = own;

	if (!upload)
		return;
	upload->request = NULL;
	upload->touched_us = loop_now_us();
	if (!upload->is_named || upload->is_alone || upload->received == upload->total || !upload->received)
		upload_drop(upload);
}

static struct upload *find(struct front *front, uint64_t tenant, const struct digest *wanted)
{
	for (struct upload *upload = front->uploads; upload; upload = upload->next)
		if (upload->tenant == tenant && upload->is_named && !upload->is_alone && digest_is(&upload->wanted, wanted))
			return upload;
	return NULL;
}

static bool has_room(struct request *request)
{
	const struct front *const front = request->front;
	size_t n = 0;

	for (const struct upload *upload = front->uploads; upload; upload = upload->next)
		n += upload->tenant == request->tenant.id;
	if (n < UPLOADS_EACH && front->n_uploads < UPLOADS_MAX)
		return true;
	request_fail_for(request, "too_many_streams", 5000, "a tenant has at most %d uploads at one time", UPLOADS_EACH);
	return false;
}

static struct upload *upload_new(struct request *request, const struct digest *wanted, uint64_t total)
{
	struct front *const front = request->front;
	struct upload *upload;
	struct err e = ERR_INIT;
	char path[PLACE_MAX];

	if (!has_room(request))
		return NULL;
	upload = mem_alloc(sizeof(*upload));
	*upload = (struct upload){ .front = front, .tenant = request->tenant.id, .total = total, .file = store_id_new(),
				   .is_named = wanted != NULL, .next = front->uploads, .at = &front->uploads };
	if (wanted)
		upload->wanted = *wanted;
	sha256_init(&upload->hash);
	upload_path(upload, path);
	upload->fd = openat(front->state_fd, path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (front->uploads)
		front->uploads->at = &upload->next;
	front->uploads = upload;
	front->n_uploads++;
	if (upload->fd >= 0)
		return upload;
	err_sys(&e, "make %s", path);
	upload_unlink(upload);
	request_broken(request, &e);
	return NULL;
}

static void attach(struct request *request, struct upload *upload)
{
	upload->request = request;
	request->own = upload;
	request->drop = request_left;
}

static void tell_received(struct request *request, const struct upload *upload, uint64_t total)
{
	struct json json = JSON_NONE;

	json_put_object(&json, NULL);
	json_put_u64(&json, "received", upload ? upload->received : 0);
	json_put_u64(&json, "total", total);
	json_put_end(&json);
	request_json(request, MHD_HTTP_ACCEPTED, &json);
}

/* The blob is there: *out. Answers when the store cannot say. */
static bool is_there(struct request *request, const struct digest *digest, struct store_blob *out)
{
	struct err e = ERR_INIT;
	const int found = store_blob_get(request->front->store, request->tenant.id, digest, out, &e);

	if (found < 0)
		request_broken(request, &e);
	return found == 1;
}

static void tell_blob(struct request *request, unsigned status, const struct digest *digest, uint64_t bytes)
{
	struct json json = JSON_NONE;
	char text[SHA256_TEXT];
	char blob[SHA256_TEXT + 8];

	digest_write(digest, text);
	snprintf(blob, sizeof(blob), "sha256:%s", text);
	json_put_object(&json, NULL);
	json_put_text(&json, "blob", blob);
	json_put_u64(&json, "bytes", bytes);
	json_put_end(&json);
	request_json(request, status, &json);
}

static bool begin_named(struct request *request)
{
	const char *const text = request->parts[0], *const pieces = request_header_in(request, "Content-Range");
	struct range_put range = { .last = request->body_len - 1, .total = request->body_len };
	struct store_blob blob;
	struct digest wanted;
	struct upload *upload;
	bool is_beside;

	if (!digest_read(text, strlen(text), &wanted)) {
		request_fail(request, "invalid_path", NULL, "a blob is named by 64 lower-case hexadecimal digits");
		return false;
	}
	if (pieces && (!range_read_put(pieces, &range) || (!range.asks && range.last - range.first + 1 != request->body_len))) {
		request_fail(request, "invalid_header", NULL, "Content-Range must be \"bytes FIRST-LAST/TOTAL\" of this body, or \"bytes */TOTAL\"");
		return false;
	}
	if (range.total > ROUTE_BLOB_MAX) {
		request_fail(request, "payload_too_large", NULL, "a blob has at most %zu bytes", ROUTE_BLOB_MAX);
		return false;
	}
	if (is_there(request, &wanted, &blob)) {
		tell_blob(request, MHD_HTTP_OK, &wanted, blob.bytes);
		return false;
	}
	if (request->answer)
		return false;
	upload = find(request->front, request->tenant.id, &wanted);
	if (range.asks) {
		tell_received(request, upload, range.total);
		return false;
	}
	/* All of it in one request waits for nobody who sends the same: the first that is whole counts. */
	is_beside = !pieces && upload && upload->request;
	if (is_beside)
		upload = NULL;
	if (upload && !upload->request && !range.first) { /* begun anew */
		upload_drop(upload);
		upload = NULL;
	}
	if (upload ? upload->request || upload->received != range.first || upload->total != range.total : range.first != 0) {
		request_fail(request, "upload_conflict", NULL, "%llu bytes are here; go on from there",
			     (unsigned long long)(upload ? upload->received : 0));
		return false;
	}
	upload = upload ? upload : upload_new(request, &wanted, range.total);
	if (!upload)
		return false;
	upload->is_alone |= is_beside;
	attach(request, upload);
	return true;
}

bool upload_begin(struct request *request)
{
	struct upload *upload;

	if (request->route->method == ROUTE_PUT)
		return begin_named(request);
	upload = upload_new(request, NULL, request->body_len);
	if (upload)
		attach(request, upload);
	return upload != NULL;
}

bool upload_take(struct request *request, const char *bytes, size_t len)
{
	struct upload *const upload = request->own;
	struct err e = ERR_INIT;

	if (fd_write_all(upload->fd, bytes, len, &e) < 0) {
		upload->received = 0; /* the file is of no use any more */
		request_broken(request, &e);
		return false;
	}
	sha256_add(&upload->hash, bytes, len);
	upload->received += len;
	if (upload->received - upload->synced >= SYNC_EACH) {
		upload->synced = upload->received;
		(void)fdatasync(upload->fd); /* the last one counts */
	}
	return true;
}

/* The row is there, or the bytes were: either way the file is the store's now. */
static void kept(void *at, const struct store_answer *answer)
{
	struct request *const request = at;
	struct upload *const upload = request->own;
	const struct digest digest = sha256_end(&upload->hash);
	const uint64_t bytes = upload->received;

	request->own = NULL;
	if (answer->err.kind != ERR_NONE)
		upload_drop(upload);
	else
		upload_unlink(upload);
	if (!job_refused(request, answer))
		tell_blob(request, answer->outcome == STORE_REPLAYED ? MHD_HTTP_OK : MHD_HTTP_CREATED, &digest, bytes);
}

static void finish(struct request *request)
{
	struct upload *const upload = request->own;
	const struct digest digest = sha256_end(&upload->hash);
	const struct store_blob blob = { .digest = digest, .file = upload->file, .bytes = upload->received, .created_ms = loop_wall_ms() };
	struct err e = ERR_INIT;

	if (upload->received < upload->total) {
		tell_received(request, upload, upload->total);
		return;
	}
	if (upload->is_named && !digest_is(&digest, &upload->wanted)) {
		request_fail(request, "digest_mismatch", NULL, "these bytes have another digest than the path says");
		return;
	}
	if (fsync(upload->fd) < 0) {
		err_sys(&e, "sync a blob");
		request_broken(request, &e);
		return;
	}
	store_blob_put(request->front->store, request->tenant.id, &blob, kept, request);
}

void api_blob_post(struct request *request)
{
	finish(request);
}

void api_blob_put(struct request *request)
{
	finish(request);
}

void api_blob_get(struct request *request)
{
	struct err e = ERR_INIT;
	struct store_blob blob;
	struct digest digest;
	char place[PLACE_MAX];
	int fd;

	/* What is no digest is not there: no other answer, or a name could be tried for its shape. */
	if (!digest_read(request->parts[0], strlen(request->parts[0]), &digest) || !is_there(request, &digest, &blob)) {
		request_fail(request, "not_found", NULL, "there is no such blob");
		return;
	}
	place_name(PLACE_BLOB, &blob.file, place);
	fd = openat(request->front->state_fd, place, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	if (fd < 0) {
		err_sys(&e, "open %s", place);
		request_broken(request, &e);
		return;
	}
	send_file(request, fd, NULL, request->parts[0]);
}
