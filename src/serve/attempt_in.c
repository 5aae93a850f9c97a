/* A job as frames: variables, files, steps with their input, patterns, GO, and then what interactive clients send.
 * Holds two frames at most: a box that reads slowly costs no more memory than one that reads at once. */
#include "serve/attempt.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/fd.h"
#include "serve/attempt_guest.h"
#include "serve/place.h"
#include "store/store_blob.h"

#define ROOM (2 * (sizeof(struct frame_head) + FRAME_MAX))
#define OUTPUT_BYTES ((uint64_t)16 << 20)       /* of a pattern that states nothing */
#define OUTPUT_FILES 64

static void put(struct attempt *attempt, enum frame_kind kind, unsigned flag, const void *bytes, size_t len)
{
	attempt->out_len += frame_put(attempt->out + attempt->out_len, kind, flag, bytes, len);
}

/* One of `n` things of a part is done. */
static void advance(struct attempt *attempt, size_t n)
{
	if (++attempt->in_index < n)
		return;
	attempt->in_index = 0;
	attempt->in++;
}

static bool is_replaced(const struct attempt *attempt, const char *own)
{
	const size_t len = strcspn(own, "=");

	for (size_t i = 0; i < attempt->spec.n_env; i++)
		if (strlen(attempt->spec.env[i].name) == len && strncmp(attempt->spec.env[i].name, own, len) == 0)
			return true;
	return false;
}

static void put_env(struct attempt *attempt)
{
	static const char *const own[] = { "PATH=/usr/local/bin:/usr/bin:/bin", "HOME=/work", "LANG=C.UTF-8", "TERM=xterm" };
	const size_t n_own = ARRAY_SIZE(own) - !attempt->spec.tty.rows;
	const size_t i = attempt->in_index;

	if (i < n_own) {
		if (!is_replaced(attempt, own[i]))
			put(attempt, FRAME_ENV, 0, own[i], strlen(own[i]));
	} else {
		const struct job_pair *const pair = &attempt->spec.env[i - n_own];
		const char *const text = arena_printf(&attempt->arena, "%s=%s", pair->name, pair->value);

		put(attempt, FRAME_ENV, 0, text, strlen(text));
	}
	advance(attempt, n_own + attempt->spec.n_env);
}

void attempt_open_blob(struct attempt *attempt, const char *text)
{
	struct store_blob blob;
	struct digest digest;
	char path[PLACE_MAX];

	attempt->blob_left = 0;
	if (!digest_read(text, strlen(text), &digest) ||
	    store_blob_get(attempt->store, attempt->hold.tenant, &digest, &blob, &attempt->broken) <= 0) {
		err_set(&attempt->broken, ERR_MISSING, "input blob %.16s... is not there", text);
		return;
	}
	place_name(PLACE_BLOB, &blob.file, path);
	attempt->in_fd = openat(attempt->state_fd, path, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
	if (attempt->in_fd < 0)
		err_sys(&attempt->broken, "input blob %.16s...", text);
	else
		attempt->blob_left = blob.bytes;
}

/* The next piece; false at the end. */
static bool put_piece(struct attempt *attempt, const struct job_bytes *bytes)
{
	static char piece[FRAME_MAX];
	size_t n;

	if (bytes->source == JOB_BYTES && attempt->in_at < bytes->len) {
		n = bytes->len - attempt->in_at < FRAME_MAX ? bytes->len - attempt->in_at : FRAME_MAX;
		put(attempt, FRAME_DATA, 0, bytes->at + attempt->in_at, n);
		attempt->in_at += n;
		return true;
	}
	if (bytes->source != JOB_BLOB || !attempt->blob_left)
		return false;
	n = attempt->blob_left < FRAME_MAX ? (size_t)attempt->blob_left : FRAME_MAX;
	if (fd_read_all(attempt->in_fd, piece, n, &attempt->broken) < 0)
		return false;
	put(attempt, FRAME_DATA, 0, piece, n);
	attempt->blob_left -= n;
	return true;
}

/* A head, then its bytes; one frame a call. */
static void put_item(struct attempt *attempt, enum frame_kind kind, unsigned flag, const char *head, size_t len,
		     const struct job_bytes *bytes, size_t n)
{
	if (!attempt->in_body) {
		put(attempt, kind, flag, head, len);
		attempt->in_body = true;
		attempt->in_at = 0;
		if (bytes->source == JOB_BLOB)
			attempt_open_blob(attempt, bytes->blob);
		return;
	}
	if (put_piece(attempt, bytes))
		return;
	fd_close_at(&attempt->in_fd);
	attempt->in_body = false;
	advance(attempt, n);
}

static void put_file(struct attempt *attempt)
{
	const struct job_file *const file = attempt->spec.n_files ? &attempt->spec.files[attempt->in_index] : NULL;

	if (!file)
		attempt->in++;
	else
		put_item(attempt, FRAME_FILE, file->is_executable ? FRAME_EXECUTABLE : 0, file->path, strlen(file->path),
			 &file->bytes, attempt->spec.n_files);
}

static void put_step(struct attempt *attempt)
{
	const struct runtime_step *const step = &attempt->steps[attempt->in_index];
	const bool is_live = step->input->source == JOB_LIVE, has_tty = is_live && attempt->spec.tty.rows;
	const bool is_parked = step->is_parked && attempt->slot->has_interpreter && !has_tty;
	const unsigned flag = (is_parked ? FRAME_PARKED : 0) | (is_live ? FRAME_FEED : 0) | (has_tty ? FRAME_TTY : 0);
	OWN(str) words = STR_NONE;

	/* Without an interpreter that waits, its name stands before the words. */
	for (const char *const *word = step->argv - (step->is_parked && !is_parked); *word; word++)
		str_add_bytes(&words, *word, strlen(*word) + 1);
	put_item(attempt, FRAME_STEP, flag, str_text(&words), words.len, step->input, attempt->n_steps);
}

static void put_output(struct attempt *attempt)
{
	const struct job_output *const output = attempt->spec.n_outputs ? &attempt->spec.outputs[attempt->in_index] : NULL;
	char bytes[sizeof(struct frame_output) + JOB_PATH_MAX];
	struct frame_output head;

	if (!output) {
		attempt->in++;
		return;
	}
	head = (struct frame_output){
		output->max_bytes ? output->max_bytes : OUTPUT_BYTES, output->max_files ? output->max_files : OUTPUT_FILES, 0,
	};
	memcpy(bytes, &head, sizeof(head));
	memcpy(bytes + sizeof(head), output->pattern, strlen(output->pattern));
	put(attempt, FRAME_OUTPUT, 0, bytes, sizeof(head) + strlen(output->pattern));
	advance(attempt, attempt->spec.n_outputs);
}

static void put_resize(struct attempt *attempt)
{
	if (attempt->resize.rows)
		put(attempt, FRAME_RESIZE, 0, &attempt->resize, sizeof(attempt->resize));
	attempt->resize = (struct frame_resize){ .rows = 0 };
}

/* The first step's product is wanted behind it. */
static void put_keep(struct attempt *attempt)
{
	const struct frame_keep head = { .most = PRODUCT_MAX };
	char bytes[sizeof(head) + 255];
	const size_t len = attempt->product.is_wanted ? strlen(attempt->product.name) : 0;

	if (!len)
		return;
	memcpy(bytes, &head, sizeof(head));
	memcpy(bytes + sizeof(head), attempt->product.name, len);
	put(attempt, FRAME_KEEP, 0, bytes, sizeof(head) + len);
}

static void put_go(struct attempt *attempt)
{
	const struct frame_go go = {
		attempt->written[0].cap, attempt->written[1].cap, attempt->spec.limits.kill_at_output_limit, 0,
	};

	if (!attempt->resize.rows)
		attempt->resize = (struct frame_resize){ attempt->spec.tty.rows, attempt->spec.tty.cols };
	put_resize(attempt);
	put_keep(attempt);
	put(attempt, FRAME_GO, 0, &go, sizeof(go));
	attempt->in++;
}

static void put_feed(struct attempt *attempt)
{
	const size_t head = sizeof(struct frame_head);

	put_resize(attempt);
	if (ROOM - attempt->out_len < head + attempt->feed_len)
		return; /* behind what is there */
	if (attempt->feed_len)
		put(attempt, FRAME_STDIN, 0, attempt->feed, attempt->feed_len);
	attempt->feed_len = 0;
	if (attempt->feed_is_ended && !attempt->feed_end_sent && ROOM - attempt->out_len > head) {
		put(attempt, FRAME_STDIN_END, 0, NULL, 0);
		attempt->feed_end_sent = true;
	}
}

static bool has_more(const struct attempt *attempt)
{
	if (attempt->broken.kind != ERR_NONE)
		return false;
	return attempt->in != IN_FEED || attempt->feed_len || attempt->resize.rows || (attempt->feed_is_ended && !attempt->feed_end_sent);
}

static void fill(struct attempt *attempt)
{
	static void (*const parts[])(struct attempt *attempt) = {
		[IN_ENV] = put_env, [IN_FILES] = put_file, [IN_STEPS] = put_step, [IN_OUTPUTS] = put_output,
		[IN_GO] = put_go, [IN_FEED] = put_feed,
	};

	if (!attempt->out)
		attempt->out = mem_raw(ROOM);
	while (has_more(attempt) && ROOM - attempt->out_len >= sizeof(struct frame_head) + FRAME_MAX)
		parts[attempt->in](attempt);
}

int attempt_send(struct attempt *attempt)
{
	if (attempt->slot->is_guest)
		return attempt_send_guest(attempt);
	for (;;) {
		ssize_t n;

		if (attempt->out_at == attempt->out_len) {
			attempt->out_at = attempt->out_len = 0;
			fill(attempt);
		}
		if (attempt->out_at == attempt->out_len) {
			free(TAKE_PTR(attempt->out));
			return 0;
		}
		n = write(attempt->slot->fds[SLOT_IN], attempt->out + attempt->out_at, attempt->out_len - attempt->out_at);
		if (n < 0)
			return errno == EAGAIN ? 1 : errno == EINTR ? 1 : -1;
		attempt->out_at += (size_t)n;
	}
}
