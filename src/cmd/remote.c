/* The connection of a command to a service, and its manners on a terminal. */
#include "cmd/remote.h"

#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/loop.h"
#include "cmd/remote_options.h"
#include "cmd/say.h"
#include "model/policy_value.h"
#include "remote/field.h"

#define PATIENCE_MS 60000
#define SECOND_US   1000000

void remote_done(struct remote *remote)
{
	remote_show(remote, NULL);
	http_free(remote->http);
	setting_done(&remote->setting);
	arena_done(&remote->arena);
	fd_close_at(&remote->signal_fd);
	*remote = REMOTE_NONE;
}

static void take_signals(struct remote *remote)
{
	struct signalfd_siginfo info;

	while (read(remote->signal_fd, &info, sizeof(info)) == sizeof(info))
		remote->interrupts++;
}

static void clear(struct remote *remote)
{
	static const char back[] = "\r\033[K";

	if (remote->has_status && write(STDERR_FILENO, back, sizeof(back) - 1) < 0)
		remote->may_show = false;
	remote->has_status = false;
}

static void draw(struct remote *remote, const char *why)
{
	const uint64_t now_us = loop_now_us();
	const char *const text = why ? why : remote->doing;
	char line[160];
	int n;

	if (!remote->may_show || !text || now_us - remote->shown_us < SECOND_US)
		return;
	clear(remote);
	n = snprintf(line, sizeof(line), "ward: %.100s (%" PRIu64 " s)", text, (now_us - remote->began_us) / SECOND_US);
	for (int i = 0; i < n && i < (int)sizeof(line); i++)
		if ((unsigned char)line[i] < 0x20 || (unsigned char)line[i] > 0x7e)
			line[i] = '?';
	n = n < (int)sizeof(line) ? n : (int)sizeof(line) - 1;
	remote->has_status = write(STDERR_FILENO, line, (size_t)n) == n;
	remote->shown_us = now_us;
}

static int waits(void *at, const char *why)
{
	struct remote *const remote = at;
	const unsigned before = remote->interrupts;

	take_signals(remote);
	if (remote->interrupts > before)
		return -1;
	draw(remote, why);
	return 0;
}

void remote_show(struct remote *remote, const char *doing)
{
	if (!doing)
		clear(remote);
	remote->doing = doing;
}

static int watch_signals(struct remote *remote, struct err *e)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGTERM);
	if (sigprocmask(SIG_BLOCK, &set, NULL) < 0)
		return err_sys(e, "sigprocmask");
	remote->signal_fd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	return remote->signal_fd < 0 ? err_sys(e, "signalfd") : 0;
}

/* Relative directories are void: XDG Base Directory Specification. */
static const char *config_directory(struct arena *arena)
{
	const char *const xdg = getenv("XDG_CONFIG_HOME"), *const home = getenv("HOME");

	if (xdg && *xdg == '/')
		return arena_printf(arena, "%s/ward", xdg);
	return home && *home == '/' ? arena_printf(arena, "%s/.config/ward", home) : NULL;
}

static const char *value_of(const struct args *args, int id, const char *variable)
{
	const struct opt_hit *const hit = args_find(args, id);
	const char *const value = hit || !variable ? NULL : getenv(variable);

	return hit ? hit->value : value && *value ? value : NULL;
}

static int read_setting(struct remote *remote, const struct args *args, struct err *e)
{
	const struct setting_words words = {
		.url = value_of(args, REMOTE_URL, "WARD_URL"),
		.key_file = value_of(args, REMOTE_KEY_FILE, NULL),
		.key = value_of(args, -1, "WARD_KEY"),
		.config = config_directory(&remote->arena),
	};
	const char *const patience = value_of(args, REMOTE_PATIENCE, NULL);

	remote->service.patience_ms = PATIENCE_MS;
	if (patience && policy_value_parse(KEY_DURATION, "0..86400000", patience, &remote->service.patience_ms, e) < 0)
		return err_add(e, "--patience");
	return setting_read(&words, &remote->setting, e);
}

int remote_open(struct remote *remote, const struct args *args, bool is_raw, bool is_quiet, struct err *e)
{
	for (int i = 0; i < 2; i++)
		remote->out[i] = (struct remote_out){ .fd = STDOUT_FILENO + i, .is_tame = !is_raw && isatty(STDOUT_FILENO + i) };
	remote->may_show = !is_quiet && isatty(STDERR_FILENO);
	remote->began_us = loop_now_us();
	if (read_setting(remote, args, e) < 0 || watch_signals(remote, e) < 0 ||
	    http_new(&remote->setting, &remote->http, e) < 0)
		return -1;
	remote->service.http = remote->http;
	remote->service.waits = waits;
	remote->service.at = remote;
	return 0;
}

int remote_write(struct remote *remote, unsigned which, const char *bytes, size_t len, struct err *e)
{
	struct remote_out *const out = &remote->out[which];
	OWN(str) text = STR_NONE;
	int result;

	clear(remote);
	if (!out->is_tame)
		return fd_write_all(out->fd, bytes, len, e) < 0 ? err_add(e, which ? "standard error" : "standard output") : 0;
	tame_add(&out->tame, bytes, len, &text);
	result = fd_write_all(out->fd, str_text(&text), text.len, e);
	return result < 0 ? err_add(e, which ? "standard error" : "standard output") : 0;
}

void remote_write_end(struct remote *remote)
{
	for (unsigned i = 0; i < 2; i++) {
		OWN(str) text = STR_NONE;
		struct err ignored;

		tame_end(&remote->out[i].tame, &text);
		if (text.len && fd_write_all(remote->out[i].fd, str_text(&text), text.len, &ignored) < 0)
			continue; /* nothing of the job's is lost by it */
	}
}

/* The words of the states are ours: what the service calls them does not reach the terminal. */
static const char *doing_in(const char *state)
{
	static const char *const rows[][2] = {
		{ "queued", "the job waits" },     { "leased", "the job starts" }, { "starting", "the job starts" },
		{ "finishing", "the job ends" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		if (strcmp(rows[i][0], state) == 0)
			return rows[i][1];
	return NULL;
}

int remote_take(void *at, const struct event *event, struct err *e)
{
	struct remote *const remote = at;

	switch (event->kind) {
	case EVENT_STDOUT:
	case EVENT_STDERR:
		return remote_write(remote, event->kind == EVENT_STDERR, event->bytes, event->len, e);
	case EVENT_STATE:
		remote_show(remote, doing_in(event->state));
		return 0;
	case EVENT_GAP:
		clear(remote);
		say(SAY_NOTE, "%" PRIu64 " bytes of %s were not kept by the service",
		    event->to > event->from ? event->to - event->from : 0,
		    strcmp(event->stream, "stderr") == 0 ? "standard error" : "standard output");
		return 0;
	default:
		return 0;
	}
}

int remote_job_path(const char *id, const char *rest, struct str *out, struct err *e)
{
	if (!field_is_id(id))
		return err_set(e, ERR_USAGE, "'%.60s' is no id of a job; `ward jobs` lists them", id);
	str_addf(out, "/v1/jobs/%s%s", id, rest);
	return 0;
}

int remote_cancel(struct remote *remote, const char *id, json_t **job, struct err *e)
{
	OWN(str) path = STR_NONE;
	char key[SERVICE_KEY_TEXT]; /* lets a request whose answer was lost be sent again */

	if (remote_job_path(id, "/cancel", &path, e) < 0 || service_make_key(key, e) < 0)
		return -1;
	struct http_call call = { .method = "POST", .path = str_text(&path), .idempotency_key = key };

	return service_ask(&remote->service, &call, job, e);
}

void remote_add_json(const json_t *value, struct str *out)
{
	OWN_MEM char *text = json_dumps(value, JSON_COMPACT | JSON_ENSURE_ASCII);

	if (!text)
		mem_fail();
	str_add(out, text);
	str_add(out, "\n");
}
