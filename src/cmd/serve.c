/* `ward serve`: the service on this machine. Reads its options, makes its directory, plans what boxes it can have, and
 * becomes the launcher. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"
#include "cmd/beside.h"
#include "cmd/command.h"
#include "cmd/serve_class.h"
#include "cmd/state_dir.h"
#include "model/policy_value.h"

#define DEFAULT_LISTEN "127.0.0.1:8086"
#define GRACE_MS 15000

enum { SERVE_LISTEN, SERVE_STATE, SERVE_PROXY, SERVE_CERT, SERVE_KEY, SERVE_BOXES, SERVE_WARM, SERVE_HOSTILE, SERVE_METRICS };
static const struct opt options[] = {
	{ .name = "listen", .letter = 'l', .kind = OPT_VALUE, .arg = "ADDRESS:PORT|unix:PATH", .group = "Service",
	  .id = SERVE_LISTEN, .help = "where clients reach it; a relative path lies in the state directory; default: " DEFAULT_LISTEN },
	{ .name = "state", .letter = 's', .kind = OPT_VALUE, .arg = "DIR", .group = "Service", .words = OPT_PATHS,
	  .id = SERVE_STATE, .help = "what must not be lost: database, inputs, outputs; default: " STATE_OF_ROOT
	  " for root, else ./" STATE_OF_USER },
	{ .name = "behind-proxy", .group = "Service", .id = SERVE_PROXY,
	  .help = "something in front of it does TLS: then it may listen on every address" },
	{ .name = "tls-cert", .kind = OPT_VALUE, .arg = "FILE", .group = "Service", .words = OPT_PATHS, .id = SERVE_CERT,
	  .help = "serve TLS with this certificate" },
	{ .name = "tls-key", .kind = OPT_VALUE, .arg = "FILE", .group = "Service", .words = OPT_PATHS, .id = SERVE_KEY,
	  .help = "and its key" },
	{ .name = "metrics", .kind = OPT_VALUE, .arg = "ADDRESS:PORT|unix:PATH", .group = "Service", .id = SERVE_METRICS,
	  .help = "where Prometheus may read /metrics, without a key; default: nowhere" },
	{ .name = "boxes", .kind = OPT_VALUE, .arg = "N", .group = "Boxes", .id = SERVE_BOXES,
	  .help = "boxes at once, parked ones counted; default: 64" },
	{ .name = "warm", .kind = OPT_VALUE, .arg = "N", .group = "Boxes", .id = SERVE_WARM,
	  .help = "boxes kept parked for each runtime; default: 2" },
	{ .name = "hostile-container", .group = "Boxes", .id = SERVE_HOSTILE,
	  .help = "let tenants whose code is hostile have a bare container or engine, which does not hold it" },
	COMMAND_HELP,
};

static const char *value_of(const struct args *args, int id, const char *otherwise)
{
	const struct opt_hit *const hit = args_find(args, id);

	return hit ? hit->value : otherwise;
}

static int number_of(const struct args *args, int id, const char *range, uint32_t otherwise, uint32_t *out, struct err *e)
{
	const struct opt_hit *const hit = args_find(args, id);
	uint64_t n = otherwise;

	if (hit && policy_value_parse(KEY_COUNT, range, hit->value, &n, e) < 0)
		return err_add(e, "--%s", hit->opt->name);
	*out = (uint32_t)n;
	return 0;
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

static int open_state(const char *path, struct launcher_setup *setup, struct err *e)
{
	OWN_FD int fd = -1;

	if (mkdir(path, 0700) < 0 && errno != EEXIST)
		return err_sys(e, "make it");
	fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return err_sys(e, "open it");
	if (flock(fd, LOCK_EX | LOCK_NB) < 0)
		return errno == EWOULDBLOCK ? err_set(e, ERR_CONFLICT, "another `ward serve` uses it") : err_sys(e, "lock it");
	if (give_state(fd, setup, e) < 0)
		return -1;
	setup->state_fd = TAKE_FD(fd);
	return 0;
}

/* What the front is told: its descriptors have fixed numbers, the rest are words of the operator's. */
static const char *const *front_argv(const struct args *args, const char *front, struct arena *arena)
{
	static const int passed[] = { SERVE_CERT, SERVE_KEY, SERVE_METRICS };
	const char **const argv = arena_alloc(arena, 16 * sizeof(*argv));
	size_t n = 0;

	argv[n++] = front;
	argv[n++] = arena_printf(arena, "--listen=%s", value_of(args, SERVE_LISTEN, DEFAULT_LISTEN));
	if (args_has(args, SERVE_PROXY))
		argv[n++] = "--behind-proxy";
	for (size_t i = 0; i < ARRAY_SIZE(passed); i++)
		if (args_has(args, passed[i]))
			argv[n++] = arena_printf(arena, "--%s=%s", args_find(args, passed[i])->opt->name,
						 args_find(args, passed[i])->value);
	return argv;
}

static int serve(const struct args *args, struct serve_classes *classes, struct arena *arena, struct err *e)
{
	const char *const state = value_of(args, SERVE_STATE, state_dir_usual());
	struct launcher_setup setup = { .plan = serve_classes_plan, .at = classes, .state_fd = -1, .grace_ms = GRACE_MS };
	struct serve_wishes wishes = { .hostile_container = args_has(args, SERVE_HOSTILE) };
	uint32_t boxes;

	if (number_of(args, SERVE_BOXES, "1..512", 64, &boxes, e) < 0 ||
	    number_of(args, SERVE_WARM, "0..64", 2, &wishes.warm, e) < 0 || beside_find("ward-serve", arena, &setup.front, e) < 0)
		return -1;
	if (open_state(state, &setup, e) < 0)
		return err_add(e, "state directory %.120s", state);
	if (serve_classes_make(classes, &wishes, e) < 0)
		return -1;
	setup.classes = classes->told;
	setup.n_classes = classes->n;
	setup.boxes_max = boxes;
	setup.front_argv = front_argv(args, setup.front, arena);
	return launcher_run(&setup, e);
}

int command_serve_run(struct args *args, struct err *e)
{
	static struct serve_classes classes;
	OWN(arena) arena = { .blocks = NULL };
	int status;

	if (args->n_operands)
		return err_set(e, ERR_USAGE, "'%.60s': it takes options only", args->operands[0]);
	status = serve(args, &classes, &arena, e);
	serve_classes_done(&classes);
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
