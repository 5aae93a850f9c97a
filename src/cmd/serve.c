/* `ward serve`: the service on this machine. Reads its options, makes its directory, plans what boxes it can have, and
 * becomes the launcher. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/mem.h"
#include "cmd/beside.h"
#include "cmd/command.h"
#include "cmd/serve_class.h"
#include "cmd/serve_options.h"
#include "cmd/state_dir.h"
#include "cmd/unit_group.h"
#include "mech/drop.h"
#include "serve/address.h"

#define LISTEN_FD 3             /* SD_LISTEN_FDS_START */
#define LISTEN_FD_ROOM 20       /* away from where the front has its own */
#define GRACE_MS 15000
#define LOCK_TRIES 30
#define LOCK_PAUSE_MS 100

/* The front owns the directory: what root made for it is given to it, and one that somebody prepared decides whom the
 * front becomes. */
static int give_state(int fd, struct launcher_setup *setup, struct err *e)
{
	struct stat st;

	if (fstat(fd, &st) < 0)
		return err_sys(e, "look at it");
	setup->front_uid = st.st_uid;
	setup->front_gid = st.st_gid;
	if (geteuid() != 0)
		return st.st_uid == geteuid() ? 0 : err_set(e, ERR_DENIED, "it belongs to another user");
	if (st.st_uid != 0)
		return 0;
	setup->front_uid = setup->front_gid = FRONT_ID;
	if (fchown(fd, FRONT_ID, FRONT_ID) == 0)
		return 0;
	/* A namespace without that id. */
	setup->front_uid = setup->front_gid = FRONT_NOBODY;
	return fchown(fd, FRONT_NOBODY, FRONT_NOBODY) < 0 ? err_sys(e, "give it to the front") : 0;
}

/* One that was killed lets go when the last of its processes has ended, a moment later. */
static int lock_state(int fd, struct err *e)
{
	for (unsigned tries = 0; flock(fd, LOCK_EX | LOCK_NB) < 0; tries++) {
		if (errno != EWOULDBLOCK && errno != EINTR)
			return err_sys(e, "lock it");
		if (tries == LOCK_TRIES)
			return err_set(e, ERR_CONFLICT, "another `ward serve` uses it (waited %u s for its end)",
				       LOCK_TRIES * LOCK_PAUSE_MS / 1000);
		poll(NULL, 0, LOCK_PAUSE_MS);
	}
	return 0;
}

static int open_state(const char *path, struct launcher_setup *setup, struct err *e)
{
	OWN_FD int fd = -1;

	if (mkdir(path, 0700) < 0 && errno != EEXIST)
		return err_sys(e, "make it");
	fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return err_sys(e, "open it");
	if (lock_state(fd, e) < 0)
		return -1;
	if (give_state(fd, setup, e) < 0)
		return -1;
	setup->state_fd = TAKE_FD(fd);
	return 0;
}

/* A socket that whoever started ward listens on, as sd_listen_fds(3) has it: one, at descriptor 3, meant for this process.
 *
 * *out  -1: there is none */
static int take_listener(const struct config *config, int *out, struct err *e)
{
	const char *const pid = getenv("LISTEN_PID"), *const n = getenv("LISTEN_FDS");
	OWN(str) own = STR_NONE;

	*out = -1;
	str_addf(&own, "%d", (int)getpid());
	if (!pid || !n || strcmp(pid, str_text(&own)) != 0)
		return 0;
	if (strcmp(n, "1") != 0)
		return err_set(e, ERR_USAGE, "LISTEN_FDS=%.20s: one socket is taken; give the unit one ListenStream", n);
	if (config_text(config, CONFIG_LISTEN, NULL))
		return err_set(e, ERR_USAGE, "an address to listen on, and a socket that listens already: choose one");
	*out = fcntl(LISTEN_FD, F_DUPFD_CLOEXEC, LISTEN_FD_ROOM);
	if (*out < 0)
		return err_sys(e, "LISTEN_FDS: descriptor %d", LISTEN_FD);
	close(LISTEN_FD);
	unsetenv("LISTEN_PID");
	unsetenv("LISTEN_FDS");
	return 0;
}

/* Whether standard error is the journal's own stream, and journald takes fields as well.
 * Source: systemd.exec(5), $JOURNAL_STREAM */
static bool is_journal(void)
{
	const char *const stream = getenv("JOURNAL_STREAM");
	unsigned long long device, inode;
	struct stat st;

	return stream && sscanf(stream, "%llu:%llu", &device, &inode) == 2 && fstat(STDERR_FILENO, &st) == 0 &&
	       st.st_dev == device && st.st_ino == inode && access("/run/systemd/journal/socket", W_OK) == 0;
}

/* What is not said: the listener that was handed over, and a form that standard error asks for. */
static const char *usual(const struct launcher_setup *setup, enum config_id id)
{
	if (id == CONFIG_LISTEN)
		return setup->listen_fd >= 0 ? "inherited" : SERVE_LISTEN;
	return id == CONFIG_LOG && is_journal() ? "journal" : NULL;
}

/* What the front is told: its descriptors have fixed numbers, the rest are words of the operator's. */
static const char *const *front_argv(const struct config *config, const struct launcher_setup *setup, struct arena *arena)
{
	const char **const argv = arena_alloc(arena, (CONFIG_VALUES + CONFIG_LISTS * CONFIG_LIST_MAX + 2) * sizeof(*argv));
	size_t n = 0;

	argv[n++] = setup->front;
	for (unsigned id = 0; id < CONFIG_VALUES; id++) {
		const struct config_row *const row = config_value_row((enum config_id)id);
		const char *const text = config_text(config, (enum config_id)id, usual(setup, (enum config_id)id));

		if (!*row->front || !text)
			continue;
		if (row->type != KEY_BOOL)
			argv[n++] = arena_printf(arena, "--%s=%s", row->front, text);
		else if (config->values[id].n)
			argv[n++] = arena_printf(arena, "--%s", row->front);
	}
	for (unsigned id = 0; id < CONFIG_LISTS; id++)
		for (size_t i = 0; *config_list_row((enum config_list_id)id)->front && i < config->lists[id].n; i++)
			argv[n++] = arena_printf(arena, "--%s=%s", config_list_row((enum config_list_id)id)->front,
						 config->lists[id].items[i]);
	argv[n] = NULL;
	return argv;
}

/* The front gets them open: a key that root alone may read is served by another user. Here they are looked at, so that
 * what is wrong is said before anything begins. */
static int check_tls(const struct config *config, struct err *e)
{
	const char *const paths[] = { config_text(config, CONFIG_TLS_CERT, NULL), config_text(config, CONFIG_TLS_KEY, NULL) };

	if (!paths[0] != !paths[1])
		return err_set(e, ERR_USAGE, "--tls-cert and --tls-key go together");
	for (size_t i = 0; paths[0] && i < ARRAY_SIZE(paths); i++) {
		OWN_FD int fd = open(paths[i], O_RDONLY | O_NOCTTY | O_NONBLOCK | O_CLOEXEC);
		struct stat st;

		if (fd < 0 || fstat(fd, &st) < 0)
			return err_sys(e, "--tls-%s %.120s", i ? "key" : "cert", paths[i]);
		if (!S_ISREG(st.st_mode))
			return err_set(e, ERR_USAGE, "--tls-%s %.120s: that is no file", i ? "key" : "cert", paths[i]);
		if (i && st.st_mode & 0007)
			return err_set(e, ERR_DENIED, "--tls-key %.120s: everybody may open it (mode %03o): chmod o= it", paths[i],
				       (unsigned)st.st_mode & 0777u);
	}
	return 0;
}

/* The front asks once more, of the socket that it has. */
static int check_listener(const struct config *config, struct err *e)
{
	const char *const text = config_text(config, CONFIG_LISTEN, SERVE_LISTEN);
	struct address address;

	if (address_read(text, &address, e) < 0)
		return err_add(e, "--listen");
	if (!address_is_local(&address) && !config_text(config, CONFIG_TLS_CERT, NULL) && !config_number(config, CONFIG_PROXY, 0))
		return err_set(e, ERR_DENIED, "listen %.60s can be reached by others, and keys would cross the network in the clear: "
			       "give --tls-cert and --tls-key, or say --behind-proxy", text);
	return 0;
}

/* A root that may not change its own sets has been cut down by whoever made it, and keeps what that left. */
static int shed_rights(struct err *e)
{
	struct __user_cap_header_struct header = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct sets[2];

	if (syscall(SYS_capget, &header, sets) < 0)
		return err_sys(e, "capget");
	return sets[0].permitted & 1u << CAP_SETPCAP ? drop_caps(LAUNCHER_RIGHTS & sets[0].permitted, e) : 0;
}

/* Hosts that are meant. */
static const char *const *herald_argv(const struct config *config, const char *herald, struct arena *arena)
{
	const char **const argv = arena_alloc(arena, (CONFIG_LIST_MAX + 2) * sizeof(*argv));
	size_t n = 0;

	argv[n++] = herald;
	for (size_t i = 0; i < config->lists[CONFIG_LIST_WEBHOOK_HOSTS].n; i++)
		argv[n++] = config->lists[CONFIG_LIST_WEBHOOK_HOSTS].items[i];
	argv[n] = NULL;
	return argv;
}

static int serve(const struct config *config, struct serve_classes *classes, struct arena *arena, struct err *e)
{
	const char *const state = config_text(config, CONFIG_STATE, state_dir_usual());
	struct launcher_setup setup = { .plan = serve_classes_plan, .lends = serve_classes_lends, .at = classes,
					.state_fd = -1, .listen_fd = -1, .grace_ms = GRACE_MS,
					.tls_cert = config_text(config, CONFIG_TLS_CERT, NULL), .tls_key = config_text(config, CONFIG_TLS_KEY, NULL) };
	const struct serve_wishes wishes = {
		.hostile_container = config_number(config, CONFIG_HOSTILE, 0),
		.warm = (uint32_t)config_number(config, CONFIG_WARM, SERVE_WARM), .config = config,
	};
	struct err no_herald = ERR_INIT;

	if (beside_find("ward-serve", arena, &setup.front, e) < 0)
		return -1;
	if (check_tls(config, e) < 0 || take_listener(config, &setup.listen_fd, e) < 0 || unit_group_enter(e) < 0)
		return -1;
	if (open_state(state, &setup, e) < 0)
		return err_add(e, "state directory %.120s", state);
	if (serve_classes_make(classes, &wishes, e) < 0)
		return -1;
	setup.classes = classes->told;
	setup.n_classes = classes->n;
	setup.boxes_max = config_number(config, CONFIG_BOXES, SERVE_BOXES);
	setup.front_argv = front_argv(config, &setup, arena);
	/* Built where libcurl is: without it there are no webhooks, and the API says so. */
	if (beside_find("ward-herald", arena, &setup.herald, &no_herald) < 0)
		setup.herald = NULL;
	setup.herald_argv = herald_argv(config, setup.herald, arena);
	if (geteuid() == 0 && shed_rights(e) < 0)
		return err_add(e, "give up rights that no box needs");
	/* Each runner begins as a copy of this: what reading and planning took is not copied for every box. */
	mem_trim();
	return launcher_run(&setup, e);
}

/* What judges filters lives in another program, which starts no box. It is told the same words. */
static int hand_on(const struct args *args, struct arena *arena, struct err *e)
{
	const char **const words = arena_alloc(arena, (args->n_hits + 3) * sizeof(*words));
	const char *path;
	size_t n = 0;

	words[n++] = "ward-analyst";
	words[n++] = args->command->name;
	for (size_t i = 0; i < args->n_hits; i++) {
		const struct opt_hit *const hit = &args->hits[i];

		words[n++] = arena_printf(arena, "--%s%s%s", hit->opt->name, hit->value ? "=" : "", hit->value ? hit->value : "");
	}
	if (beside_find(words[0], arena, &path, e) < 0)
		return err_add(e, "--explain");
	execv(path, (char *const *)(uintptr_t)words);
	return err_sys(e, "--explain: execute %s", path);
}

int command_serve_run(struct args *args, struct err *e)
{
	static struct serve_classes classes;
	static struct config config;
	OWN(arena) arena = { .blocks = NULL };
	int status;

	if (args->n_operands)
		return err_set(e, ERR_USAGE, "'%.60s': it takes options only", args->operands[0]);
	if (args_has(args, SERVE_EXPLAIN))
		return hand_on(args, &arena, e);
	status = serve_options_read(args, &config, e);
	if (status == 0)
		status = check_listener(&config, e);
	if (status == 0 && args_has(args, SERVE_CHECK))
		puts("the configuration is sound");
	else if (status == 0)
		status = serve(&config, &classes, &arena, e);
	serve_classes_done(&classes);
	config_done(&config);
	return status;
}

const struct command command_serve = {
	.name = "serve",
	.summary = "run everybody's jobs, each in a fresh box, over HTTP",
	.usage = "[option]...",
	.about = "The first start prints the keys. It listens on this machine alone unless it has a certificate or "
		 "stands --behind-proxy.",
	.options = serve_options,
	.trouble = CODE_USAGE,
};
