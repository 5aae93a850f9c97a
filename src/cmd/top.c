/* `ward top`: a service, looked at again each two seconds. On a terminal it is one page that is drawn over; anywhere
 * else, and with --once, the page is written once. */
#include <poll.h>
#include <string.h>
#include <sys/ioctl.h>
#include <termios.h>
#include <unistd.h>

#include "base/loop.h"
#include "cmd/remote.h"
#include "cmd/remote_options.h"
#include "cmd/say.h"
#include "remote/overview.h"

#define EACH_US  2000000
#define LOOK_MS  200            /* how late a key or another size of the terminal is seen */

/* Another screen, no cursor, no line that wraps; and back. */
#define ENTER "\033[?1049h\033[?25l\033[?7l"
#define LEAVE "\033[?7h\033[?25h\033[?1049l"

struct top {
	struct remote *remote;
	const char *query;              /* of both: "?tenant=...", or "" */
	json_t *overview, *jobs;
	bool may_list;                  /* jobs: a key for figures alone may not */
	struct termios before;
	bool has_keys;                  /* standard input is a terminal, and was told to give keys at once */
	struct winsize size;
};

static void top_done(struct top *top)
{
	json_decref(top->overview);
	json_decref(top->jobs);
	top->overview = top->jobs = NULL;
}

static int ask(struct top *top, const char *path, json_t **out, struct err *e)
{
	return service_ask(&top->remote->service, &(struct http_call){ .method = "GET", .path = path }, out, e);
}

static int look(struct top *top, struct err *e)
{
	OWN(str) path = STR_NONE, jobs = STR_NONE;
	struct err own = ERR_INIT;

	top_done(top);
	str_addf(&path, "/v1/overview%s", top->query);
	str_addf(&jobs, "/v1/jobs?limit=100&state=queued,leased,starting,running,finishing%s%s", *top->query ? "&" : "",
		 *top->query ? top->query + 1 : "");
	if (ask(top, str_text(&path), &top->overview, e) < 0)
		return -1;
	if (top->may_list && ask(top, str_text(&jobs), &top->jobs, &own) < 0) {
		if (own.kind != ERR_DENIED) {
			*e = own;
			return -1;
		}
		top->may_list = false;
	}
	return 0;
}

static int draw(struct top *top, bool is_live, struct err *e)
{
	const struct overview_page page = {
		.overview = top->overview, .jobs = top->jobs, .width = is_live ? top->size.ws_col : 0,
		.height = is_live && top->size.ws_row ? top->size.ws_row - 1u : 0, .has_colour = say_colour(STDOUT_FILENO),
	};
	OWN(str) out = STR_NONE, text = STR_NONE;

	overview_show(&page, &text);
	if (!is_live)
		return say_out(STDOUT_FILENO, "standard output", &text, e);
	str_add(&out, "\033[H");
	for (const char *line = str_text(&text); *line;) {
		const size_t len = strcspn(line, "\n");

		str_add_bytes(&out, line, len);
		str_add(&out, "\033[K\n");
		line += len + (line[len] == '\n');
	}
	str_add(&out, "\033[J");
	return say_out(STDOUT_FILENO, "standard output", &out, e);
}

/* Waits for the next look; draws again when the terminal has another size. 1: somebody wants to go. */
static int wait_for(struct top *top, uint64_t until_us, struct err *e)
{
	while (loop_now_us() < until_us) {
		struct pollfd polls[] = {
			{ .fd = top->remote->signal_fd, .events = POLLIN },
			{ .fd = top->has_keys ? STDIN_FILENO : -1, .events = POLLIN },
		};
		struct winsize size = top->size;
		char key;

		if (poll(polls, 2, LOOK_MS) > 0) {
			if (polls[0].revents)
				return 1;
			if (polls[1].revents && (read(STDIN_FILENO, &key, 1) != 1 || key == 'q' || key == 'Q'))
				return 1;
		}
		if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && memcmp(&size, &top->size, sizeof(size)) != 0) {
			top->size = size;
			if (draw(top, true, e) < 0)
				return -1;
		}
	}
	return 0;
}

static void take_keys(struct top *top)
{
	struct termios raw;

	if (!isatty(STDIN_FILENO) || tcgetattr(STDIN_FILENO, &top->before) < 0)
		return;
	raw = top->before;
	raw.c_lflag &= ~(tcflag_t)(ICANON | ECHO);      /* Ctrl-C stays a signal */
	top->has_keys = tcsetattr(STDIN_FILENO, TCSANOW, &raw) == 0;
}

static int show_live(struct top *top, struct err *e)
{
	int over = 0;

	(void)ioctl(STDOUT_FILENO, TIOCGWINSZ, &top->size);
	while (over == 0) {
		const uint64_t began_us = loop_now_us();

		over = look(top, e) < 0 || draw(top, true, e) < 0 ? -1 : wait_for(top, began_us + EACH_US, e);
	}
	return over < 0 && !top->remote->interrupts ? -1 : 0;
}

static int write_plain(const char *text, struct err *e)
{
	OWN(str) out = STR_NONE;

	str_add(&out, text);
	return say_out(STDOUT_FILENO, "standard output", &out, e);
}

/* Whatever happens in between, the terminal is given back as it was. */
static int run_live(struct top *top, struct err *e)
{
	struct err ignored = ERR_INIT;
	int status;

	take_keys(top);
	status = write_plain(ENTER, e) < 0 ? -1 : show_live(top, e);
	(void)!write_plain(LEAVE, &ignored);
	if (top->has_keys)
		(void)tcsetattr(STDIN_FILENO, TCSANOW, &top->before);
	return status;
}

int command_top_run(struct args *args, struct err *e)
{
	const struct opt_hit *const tenant = args_find(args, TOP_TENANT);
	const bool is_live = isatty(STDOUT_FILENO) && !args_has(args, TOP_ONCE);
	OWN(remote) remote = REMOTE_NONE;
	OWN(str) query = STR_NONE;
	OWN(top) top = { .may_list = !tenant };

	if (args->n_operands)
		return err_set(e, ERR_USAGE, "'%.60s': it takes options only", args->operands[0]);
	if (remote_open(&remote, args, false, true, e) < 0)
		return -1;
	if (tenant) {
		str_add(&query, "?tenant=");
		service_escape(tenant->value, &query);
	}
	top.remote = &remote;
	top.query = str_text(&query);
	if (is_live)
		return run_live(&top, e);
	return look(&top, e) < 0 ? -1 : draw(&top, false, e);
}
