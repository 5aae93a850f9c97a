/* `ward serve`: the service on this machine. Reads its options, makes its directory, plans what boxes it can have, and
 * becomes the launcher. */
#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/fd.h"
#include "cmd/beside.h"
#include "cmd/command.h"
#include "cmd/policy_find.h"
#include "cmd/serve_class.h"
#include "cmd/state_dir.h"
#include "mech/drop.h"
#include "model/policy_tree.h"
#include "model/policy_value.h"
#include "serve/config.h"

#define DEFAULT_LISTEN "127.0.0.1:8086"
#define LISTEN_FD 3             /* SD_LISTEN_FDS_START */
#define LISTEN_FD_ROOM 20       /* away from where the front has its own */
#define GRACE_MS 15000
#define LOCK_TRIES 30
#define LOCK_PAUSE_MS 100
/* What starting boxes and ending them takes of root, and becoming the front: files of others, ids and groups,
 * namespaces and mounts, priorities, killing. CAP_SYS_PTRACE is for one look: a keeper compares the namespaces of a first
 * process that may have changed its ids already. Neither modules, devices, raw sockets nor the clock. */
#define RIGHTS (1u << CAP_CHOWN | 1u << CAP_DAC_OVERRIDE | 1u << CAP_DAC_READ_SEARCH | 1u << CAP_FOWNER | 1u << CAP_KILL | \
		1u << CAP_SETGID | 1u << CAP_SETUID | 1u << CAP_SETPCAP | 1u << CAP_SYS_ADMIN | 1u << CAP_SYS_NICE | 1u << CAP_SYS_PTRACE)

/* What the configuration can say has its number there: a flag is that value, said louder. */
enum { SERVE_CONFIG = CONFIG_VALUES, SERVE_CHECK, SERVE_HOST, SERVE_WEBHOOK };
static const struct opt options[] = {
	{ .name = "listen", .letter = 'l', .kind = OPT_VALUE, .arg = "ADDRESS:PORT|unix:PATH", .group = "Service",
	  .id = CONFIG_LISTEN, .help = "where clients reach it; a relative path lies in the state directory; default: " DEFAULT_LISTEN },
	{ .name = "state", .letter = 's', .kind = OPT_VALUE, .arg = "DIR", .group = "Service", .words = OPT_PATHS,
	  .id = CONFIG_STATE, .help = "what must not be lost: database, inputs, outputs; default: " STATE_OF_ROOT
	  " for root, else ./" STATE_OF_USER },
	{ .name = "behind-proxy", .group = "Service", .id = CONFIG_PROXY,
	  .help = "something in front of it does TLS: then it may listen on every address" },
	{ .name = "tls-cert", .kind = OPT_VALUE, .arg = "FILE", .group = "Service", .words = OPT_PATHS, .id = CONFIG_TLS_CERT,
	  .help = "serve TLS with this certificate; each start reads it anew" },
	{ .name = "tls-key", .kind = OPT_VALUE, .arg = "FILE", .group = "Service", .words = OPT_PATHS, .id = CONFIG_TLS_KEY,
	  .help = "and its key, which nobody but root has to be able to read" },
	{ .name = "host", .kind = OPT_VALUE, .arg = "NAME", .group = "Service", .id = SERVE_HOST,
	  .help = "a further name that the header Host may have; may be given several times" },
	{ .name = "connections", .kind = OPT_VALUE, .arg = "N", .group = "Service", .id = CONFIG_CONNECTIONS,
	  .help = "connections at once; default: 4096" },
	{ .name = "connections-each", .kind = OPT_VALUE, .arg = "N", .group = "Service", .id = CONFIG_CONNECTIONS_EACH,
	  .help = "connections at once of one address; default: 2048" },
	{ .name = "metrics", .kind = OPT_VALUE, .arg = "ADDRESS:PORT|unix:PATH", .group = "Service", .id = CONFIG_METRICS,
	  .help = "where Prometheus may read /metrics, without a key; default: nowhere" },
	{ .name = "first-keys", .kind = OPT_VALUE, .arg = "NAME", .group = "Service", .id = CONFIG_FIRST_KEYS,
	  .help = "the first start writes its keys to this new file of the state directory, instead of showing them" },
	{ .name = "webhook-host", .kind = OPT_VALUE, .arg = "HOST", .group = "Service", .id = SERVE_WEBHOOK,
	  .help = "a host that webhooks may reach at a private address, and without TLS; may be given again" },
	{ .name = "boxes", .kind = OPT_VALUE, .arg = "N", .group = "Boxes", .id = CONFIG_BOXES,
	  .help = "boxes at once, parked ones counted; default: 64" },
	{ .name = "warm", .kind = OPT_VALUE, .arg = "N", .group = "Boxes", .id = CONFIG_WARM,
	  .help = "boxes kept parked for each runtime; default: 2" },
	{ .name = "hostile-container", .group = "Boxes", .id = CONFIG_HOSTILE,
	  .help = "let tenants whose code is hostile have a bare container or engine, which does not hold it" },
	{ .name = "on-low", .kind = OPT_VALUE, .arg = "ACTION", .group = "Detection", .id = CONFIG_ON_LOW,
	  .help = "what is done about a job whose alert is low: log, kill (the job), or quarantine (its tenant is suspended "
		  "as well); default: log" },
	{ .name = "on-high", .kind = OPT_VALUE, .arg = "ACTION", .group = "Detection", .id = CONFIG_ON_HIGH,
	  .help = "the same where it is high; default: log" },
	{ .name = "on-critical", .kind = OPT_VALUE, .arg = "ACTION", .group = "Detection", .id = CONFIG_ON_CRITICAL,
	  .help = "the same where it is critical; default: kill" },
	{ .name = "config", .letter = 'c', .kind = OPT_VALUE, .arg = "FILE", .group = "Configuration", .words = OPT_PATHS,
	  .id = SERVE_CONFIG, .help = "read all of this, limits and runtimes from a file; flags count more" },
	{ .name = "check-config", .group = "Configuration", .id = SERVE_CHECK, .help = "read it, say whether it is sound, and end" },
	COMMAND_HELP,
};

static int take_flag(const struct opt_hit *hit, struct config *config, struct err *e)
{
	const enum config_id id = (enum config_id)hit->opt->id;
	const struct config_row *const row = config_value_row(id);
	uint64_t n = 1;

	if (hit->value && row->type != KEY_TEXT && row->type != KEY_PATH &&
	    policy_value_parse(row->type, row->bounds, hit->value, &n, e) < 0)
		return err_add(e, "--%s", hit->opt->name);
	config->values[id].text = hit->value ? hit->value : "true";
	config->values[id].n = n;
	return 0;
}

/* As many as the file and the flags say together. */
static int take_host(const struct opt_hit *hit, enum config_list_id list, struct config *config, struct err *e)
{
	const size_t most = config_list_row(list)->most;

	if (config->lists[list].n == most)
		return err_set(e, ERR_USAGE, "--%s: there may be %zu", hit->opt->name, most);
	config->lists[list].items[config->lists[list].n++] = hit->value;
	return 0;
}

/* The file, then the flags. */
static int configure(const struct args *args, struct config *config, struct err *e)
{
	const struct opt_hit *const file = args_find(args, SERVE_CONFIG);
	OWN_MEM char *text = NULL;
	size_t len;

	if (file && (policy_find_bytes(file->value, TREE_BYTES, &text, &len, e) < 0 ||
		     config_read(file->value, text, len, config, e) < 0))
		return -1;
	if (args_has(args, SERVE_CHECK) && !file)
		return err_set(e, ERR_USAGE, "--check-config wants --config FILE");
	for (size_t i = 0; i < args->n_hits; i++) {
		const struct opt_hit *const hit = &args->hits[i];

		if (hit->opt->id < (int)CONFIG_VALUES && take_flag(hit, config, e) < 0)
			return -1;
		if (hit->opt->id == SERVE_HOST && take_host(hit, CONFIG_LIST_HOSTS, config, e) < 0)
			return -1;
		if (hit->opt->id == SERVE_WEBHOOK && take_host(hit, CONFIG_LIST_WEBHOOK_HOSTS, config, e) < 0)
			return -1;
	}
	return 0;
}

static const char *text_of(const struct config *config, enum config_id id, const char *otherwise)
{
	return config->values[id].text ? config->values[id].text : otherwise;
}

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
	if (text_of(config, CONFIG_LISTEN, NULL))
		return err_set(e, ERR_USAGE, "an address to listen on, and a socket that listens already: choose one");
	*out = fcntl(LISTEN_FD, F_DUPFD_CLOEXEC, LISTEN_FD_ROOM);
	if (*out < 0)
		return err_sys(e, "LISTEN_FDS: descriptor %d", LISTEN_FD);
	close(LISTEN_FD);
	unsetenv("LISTEN_PID");
	unsetenv("LISTEN_FDS");
	return 0;
}

/* What the front is told: its descriptors have fixed numbers, the rest are words of the operator's. */
static const char *const *front_argv(const struct config *config, const struct launcher_setup *setup, struct arena *arena)
{
	const char *const listen = setup->listen_fd >= 0 ? "inherited" : DEFAULT_LISTEN;
	const char **const argv = arena_alloc(arena, (CONFIG_VALUES + CONFIG_LISTS * CONFIG_LIST_MAX + 2) * sizeof(*argv));
	size_t n = 0;

	argv[n++] = setup->front;
	for (unsigned id = 0; id < CONFIG_VALUES; id++) {
		const struct config_row *const row = config_value_row((enum config_id)id);
		const char *const text = text_of(config, (enum config_id)id, id == CONFIG_LISTEN ? listen : NULL);

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
static int check_tls(struct launcher_setup *setup, struct err *e)
{
	const char *const paths[] = { setup->tls_cert, setup->tls_key };

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

/* A root that may not change its own sets has been cut down by whoever made it, and keeps what that left. */
static int shed_rights(struct err *e)
{
	struct __user_cap_header_struct header = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct sets[2];

	if (syscall(SYS_capget, &header, sets) < 0)
		return err_sys(e, "capget");
	return sets[0].permitted & 1u << CAP_SETPCAP ? drop_caps(RIGHTS & sets[0].permitted, e) : 0;
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
	const char *const state = text_of(config, CONFIG_STATE, state_dir_usual());
	struct launcher_setup setup = { .plan = serve_classes_plan, .at = classes, .state_fd = -1, .listen_fd = -1, .grace_ms = GRACE_MS,
					.tls_cert = text_of(config, CONFIG_TLS_CERT, NULL), .tls_key = text_of(config, CONFIG_TLS_KEY, NULL) };
	const struct serve_wishes wishes = {
		.hostile_container = config_number(config, CONFIG_HOSTILE, 0),
		.warm = (uint32_t)config_number(config, CONFIG_WARM, 2), .config = config,
	};
	struct err no_herald = ERR_INIT;

	if (beside_find("ward-serve", arena, &setup.front, e) < 0)
		return -1;
	if (check_tls(&setup, e) < 0 || take_listener(config, &setup.listen_fd, e) < 0)
		return -1;
	if (open_state(state, &setup, e) < 0)
		return err_add(e, "state directory %.120s", state);
	if (serve_classes_make(classes, &wishes, e) < 0)
		return -1;
	setup.classes = classes->told;
	setup.n_classes = classes->n;
	setup.boxes_max = config_number(config, CONFIG_BOXES, 64);
	setup.front_argv = front_argv(config, &setup, arena);
	/* Built where libcurl is: without it there are no webhooks, and the API says so. */
	if (beside_find("ward-herald", arena, &setup.herald, &no_herald) < 0)
		setup.herald = NULL;
	setup.herald_argv = herald_argv(config, setup.herald, arena);
	if (geteuid() == 0 && shed_rights(e) < 0)
		return err_add(e, "give up rights that no box needs");
	return launcher_run(&setup, e);
}

int command_serve_run(struct args *args, struct err *e)
{
	static struct serve_classes classes;
	static struct config config;
	OWN(arena) arena = { .blocks = NULL };
	int status;

	if (args->n_operands)
		return err_set(e, ERR_USAGE, "'%.60s': it takes options only", args->operands[0]);
	status = configure(args, &config, e);
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
	.options = options,
	.trouble = CODE_USAGE,
};
