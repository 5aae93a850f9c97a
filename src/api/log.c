/* Lines of the log. A line is written whole or not at all, where the kernel lets it. */
#include "api/log.h"

#include <inttypes.h>
#include <poll.h>
#include <stdio.h>
#include <time.h>
#include <unistd.h>

uint64_t log_wall_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_REALTIME, &now);
	return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

void log_put_moment(struct json *json, const char *key, uint64_t wall_ms)
{
	const time_t s = (time_t)(wall_ms / 1000);
	char moment[32];
	struct tm tm;
	size_t n;

	if (!wall_ms)
		return;
	gmtime_r(&s, &tm);
	n = strftime(moment, sizeof(moment), "%Y-%m-%dT%H:%M:%S", &tm);
	snprintf(moment + n, sizeof(moment) - n, ".%03uZ", (unsigned)(wall_ms % 1000));
	json_put_text(json, key, moment);
}

void log_begin(struct json *json, const char *level, const char *event)
{
	json_put_object(json, NULL);
	log_put_moment(json, "t", log_wall_ms());
	json_put_text(json, "level", level);
	json_put_text(json, "event", event);
}

void log_end(struct log *log, struct json *json)
{
	struct pollfd ready = { .fd = log->fd, .events = POLLOUT };

	if (log->lost)
		json_put_u64(json, "lines_lost", log->lost);
	json_put_end(json);
	json_put_line(json);
	if (poll(&ready, 1, 0) == 1 && ready.revents == POLLOUT &&
	    write(log->fd, json_written(json), json->out.len) == (ssize_t)json->out.len)
		log->lost = 0;
	else
		log->lost++;
	json_done(json);
}

void log_say(struct log *log, const char *level, const char *event, const char *text)
{
	struct json json = JSON_NONE;

	log_begin(&json, level, event);
	json_put_text(&json, "text", text);
	log_end(log, &json);
}
