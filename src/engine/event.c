/* JSON lines on the status descriptor. Refuses to wait for a reader before the box is over. */
#include "engine/event.h"

#include <poll.h>
#include <stdbool.h>

#include "base/fd.h"
#include "base/json.h"

/* A pipe that is writable takes PIPE_BUF bytes at once: pipe(7). Longer lines may wait for a reader
 * that is at work; one that left the pipe full gets no more. */
static bool has_room(int fd)
{
	struct pollfd one = { .fd = fd, .events = POLLOUT };

	return poll(&one, 1, 0) > 0 && (one.revents & POLLOUT);
}

static void put(int fd, const struct str *line)
{
	struct err ignored;     /* a reader that went away is its own affair */

	(void)!fd_write_all(fd, str_text(line), line->len, &ignored);
}

void event_started(int fd, const struct result *result)
{
	struct json json = JSON_NONE;

	if (fd < 0 || !has_room(fd))
		return;
	json_put_object(&json, NULL);
	json_put_text(&json, "event", "started");
	json_put_u64(&json, "setup_us", result->setup_us);
	result_json_layers(&json, "layers", result->layers);
	json_put_end(&json);
	json_put_line(&json);
	put(fd, &json.out);
	json_done(&json);
}

void event_denied(int fd, const struct denial *denial)
{
	struct json json = JSON_NONE;

	if (fd < 0 || !has_room(fd))
		return;
	json_put_object(&json, NULL);
	json_put_text(&json, "event", "denied");
	result_json_denial(&json, "denial", denial);
	json_put_end(&json);
	json_put_line(&json);
	put(fd, &json.out);
	json_done(&json);
}

void event_ended(int fd, const struct result *result)
{
	struct str line = STR_NONE, object = STR_NONE;

	if (fd < 0)
		return;
	result_json(result, &object);
	str_add(&line, "{\"event\":\"ended\",\"result\":");
	/* Less its line break. */
	str_add_bytes(&line, str_text(&object), object.len ? object.len - 1 : 0);
	str_add(&line, "}\n");
	put(fd, &line);
	str_done(&object);
	str_done(&line);
}
