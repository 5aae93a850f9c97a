/* Lines of the log. A line is written whole or not at all, where the kernel lets it. */
#include "api/log.h"

#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include "api/log_form.h"
#include "base/fd.h"
#include "base/loop.h"

/* Source: systemd.io/JOURNAL_NATIVE_PROTOCOL */
#define JOURNAL "/run/systemd/journal/socket"

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
	log_put_moment(json, "t", loop_wall_ms());
	json_put_text(json, "level", level);
	json_put_text(json, "event", event);
}

static int open_journal(struct log *log, struct err *e)
{
	const struct sockaddr_un at = { .sun_family = AF_UNIX, .sun_path = JOURNAL };
	OWN_FD int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	if (fd < 0 || connect(fd, (const struct sockaddr *)&at, sizeof(at)) < 0)
		return err_sys(e, "--log journal: " JOURNAL);
	log->journal_fd = TAKE_FD(fd);
	return 0;
}

int log_open(struct log *log, const char *form, struct err *e)
{
	static const char *const names[] = { [LOG_JSON] = "json", [LOG_TEXT] = "text", [LOG_JOURNAL] = "journal" };
	size_t i = 0;

	while (i < ARRAY_SIZE(names) && strcmp(names[i], form) != 0)
		i++;
	if (i == ARRAY_SIZE(names))
		return err_set(e, ERR_USAGE, "--log '%.20s': json, text or journal", form);
	if (i == LOG_JOURNAL && open_journal(log, e) < 0)
		return -1;
	log->form = (enum log_form)i;
	log->colour = isatty(log->fd);
	return 0;
}

/* One that was started anew listens elsewhere by the same name, and the jail opens no name: standard error then has it. */
static bool send_journal(struct log *log, const char *line)
{
	OWN(str) datagram = STR_NONE;

	if (log->form != LOG_JOURNAL)
		return false;
	log_form_journal(line, &datagram);
	if (send(log->journal_fd, datagram.at, datagram.len, MSG_NOSIGNAL | MSG_DONTWAIT) >= 0)
		return true;
	if (errno != EAGAIN && errno != EMSGSIZE)
		log->form = LOG_JSON;
	return false;
}

static bool write_line(struct log *log, const char *line, size_t len)
{
	struct pollfd ready = { .fd = log->fd, .events = POLLOUT };
	OWN(str) text = STR_NONE;

	if (log->form == LOG_TEXT) {
		log_form_text(line, log->colour, &text);
		line = str_text(&text);
		len = text.len;
	}
	return poll(&ready, 1, 0) == 1 && ready.revents == POLLOUT && write(log->fd, line, len) == (ssize_t)len;
}

void log_end(struct log *log, struct json *json)
{
	if (log->lost)
		json_put_u64(json, "lines_lost", log->lost);
	json_put_end(json);
	json_put_line(json);
	if (send_journal(log, json_written(json)) || write_line(log, json_written(json), json->out.len))
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
