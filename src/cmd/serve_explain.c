/* `ward serve --explain`: plans the service's boxes by the functions that the service plans with, reads the filters of its
 * processes from the tables they are made from, and writes what that means. Starts nothing. */
#include "cmd/serve_explain.h"

#include <fcntl.h>
#include <linux/capability.h>
#include <linux/landlock.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "api/front_filter.h"
#include "base/fd.h"
#include "cmd/beside.h"
#include "cmd/say.h"
#include "cmd/serve_class.h"
#include "cmd/serve_options.h"
#include "cmd/state_dir.h"
#include "cmd/subject_fit.h"
#include "engine/confine.h"
#include "explain/explain.h"
#include "herald/filter.h"
#include "judge/strength.h"
#include "model/caps.h"

#ifndef WARD_VERSION
#define WARD_VERSION "0.0.0-unnamed" /* meson.build defines it */
#endif

/* What monitor/keeper.c keeps of root's rights, which tests/tour holds this to. */
#define KEEPER_RIGHTS (UINT64_C(1) << CAP_KILL | UINT64_C(1) << CAP_DAC_OVERRIDE)
#define CALLS_MAX 4096

struct explaining {
	struct explain explain;
	struct explain_box boxes[ORDER_CLASSES_MAX];
	struct serve_classes classes;
	struct config config;
	uint64_t permitted;             /* capabilities of whoever starts the service like this */
};

static void explaining_done(struct explaining *x)
{
	explain_done(&x->explain);
	serve_classes_done(&x->classes);
	config_done(&x->config);
}

/* -- processes -- */

static const char *rights_text(struct explaining *x, uint64_t rights)
{
	const char *text = NULL;

	for (; rights; rights &= rights - 1) {
		const char *const name = caps_name((unsigned)__builtin_ctzll(rights));

		text = arena_printf(&x->explain.arena, "%s%s%s", text ? text : "", text ? ", " : "", name ? name : "one without a name");
	}
	return text ? text : "none";
}

static const char *beneath_text(struct explaining *x)
{
	static const struct {
		uint64_t right;
		const char *word;
	} rows[] = {
		{ LANDLOCK_ACCESS_FS_EXECUTE, "execute" }, { LANDLOCK_ACCESS_FS_READ_FILE, "read" },
		{ LANDLOCK_ACCESS_FS_WRITE_FILE, "write" }, { LANDLOCK_ACCESS_FS_READ_DIR, "list" },
		{ LANDLOCK_ACCESS_FS_REMOVE_FILE | LANDLOCK_ACCESS_FS_REMOVE_DIR, "remove" },
		{ LANDLOCK_ACCESS_FS_MAKE_REG, "make files" }, { LANDLOCK_ACCESS_FS_MAKE_DIR, "make directories" },
		{ LANDLOCK_ACCESS_FS_MAKE_SYM, "make links" },
		{ LANDLOCK_ACCESS_FS_MAKE_SOCK | LANDLOCK_ACCESS_FS_MAKE_FIFO | LANDLOCK_ACCESS_FS_MAKE_CHAR | LANDLOCK_ACCESS_FS_MAKE_BLOCK,
		  "make special files" },
	};
	const char *text = "beneath the state directory alone:";

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		if (FRONT_BENEATH & rows[i].right)
			text = arena_printf(&x->explain.arena, "%s%s %s", text, i > 1 ? "," : "", rows[i].word);
	return text;
}

static const char *readable_text(struct explaining *x)
{
	const char *text = "reads";

	for (size_t i = 0; herald_readable(i); i++)
		text = arena_printf(&x->explain.arena, "%s%s %s", text, i ? "," : "", herald_readable(i));
	return text;
}

/* The context in which its calls are judged: all of these processes give up capabilities and take no new privileges. */
static int add_filter(struct explain_process *process, const struct filter_set *set, struct err *e)
{
	struct sock_filter program[CALLS_MAX];
	size_t n;

	if (filter_build(set, program, CALLS_MAX, &n, e) < 0)
		return -1;
	subject_add_filter(&process->subject, "its own", program, n);
	return 0;
}

static void judge_alone(struct explain_process *process)
{
	process->subject.context = (struct subject_context){ .no_new_privs = KNOWN_YES, .landlock = KNOWN_YES, .caps_known = true };
	process->reach.place.holds = LAYER_BIT(LAYER_NNP) | LAYER_BIT(LAYER_CAPS) | LAYER_BIT(LAYER_LANDLOCK) |
				     LAYER_BIT(LAYER_SECCOMP) | PLACE_NO_CAPS | PLACE_NOT_ROOT;
}

static int add_filters(struct explaining *x, struct err *e)
{
	struct explain_process *const all = x->explain.processes;
	OWN(filter_set) front = FILTER_SET_NONE, herald = FILTER_SET_NONE;
	struct sock_filter runner[CONFINE_PROGRAM_MAX];

	front_filter(&front, (uint32_t)getpid());
	herald_filter(&herald, (uint32_t)getpid());
	if (add_filter(&all[PART_FRONT], &front, e) < 0 || add_filter(&all[PART_HERALD], &herald, e) < 0)
		return -1;
	subject_add_filter(&all[PART_RUNNER].subject, "its own", runner, confine_program(false, (uint32_t)getpid(), runner));
	judge_alone(&all[PART_FRONT]);
	judge_alone(&all[PART_HERALD]);
	judge_alone(&all[PART_RUNNER]);
	return 0;
}

/* Whom `ward serve` would make the front, from the directory as it is now. */
static unsigned front_user(const char *state)
{
	struct stat st;

	if (geteuid() != 0)
		return geteuid();
	return stat(state, &st) == 0 && st.st_uid != 0 ? st.st_uid : FRONT_ID;
}

static void add_processes(struct explaining *x)
{
	struct explain *const explain = &x->explain;
	struct arena *const arena = &explain->arena;
	const char *const same = arena_printf(arena, "uid %u, who starts it", (unsigned)geteuid());
	const bool drops = geteuid() == 0 && x->permitted & UINT64_C(1) << CAP_SETPCAP;
	const char *const nobody = geteuid() == 0 ? "uid 65534 where there is one, once its box runs" : same;
	const char *const own = x->classes.host.landlock_abi ? "none but what is open already" : "what its user may: there is no Landlock here";
	struct err missing = ERR_INIT;
	const char *path;

	explain->processes[PART_LAUNCHER] = (struct explain_process){
		.runs_as = same, .rights = rights_text(x, drops ? x->permitted & LAUNCHER_RIGHTS : x->permitted), .files = "the host's" };
	explain->processes[PART_FRONT] = (struct explain_process){
		.runs_as = arena_printf(arena, "uid %u", front_user(explain->state)), .rights = "none", .files = beneath_text(x) };
	explain->processes[PART_HERALD] = (struct explain_process){
		.is_absent = beside_find("ward-herald", arena, &path, &missing) < 0,
		.runs_as = geteuid() == 0 ? "uid 65534" : same, .rights = "none", .files = readable_text(x) };
	explain->processes[PART_RUNNER] = (struct explain_process){ .runs_as = nobody, .rights = "none", .files = own };
	explain->processes[PART_KEEPER] = (struct explain_process){
		.runs_as = same, .rights = rights_text(x, x->permitted & KEEPER_RIGHTS), .files = "the host's, by those rights" };
	explain->processes[PART_JOB] = (struct explain_process){
		.runs_as = geteuid() == 0 && x->classes.host.may_setuid ? "a uid that nobody else has" : same,
		.rights = "see the boxes below", .files = "see the boxes below" };
}

/* -- boxes -- */

static bool is_same_filter(const struct subject *a, const struct subject *b)
{
	if (a->n_filters != b->n_filters)
		return false;
	for (size_t i = 0; i < a->n_filters; i++)
		if (a->filters[i].n != b->filters[i].n ||
		    memcmp(a->filters[i].program, b->filters[i].program, a->filters[i].n * sizeof(*a->filters[i].program)) != 0)
			return false;
	return true;
}

static struct explain_box *find_same(struct explaining *x, const struct explain_box *box)
{
	for (size_t i = 0; i < x->explain.n_boxes; i++) {
		struct explain_box *const have = &x->boxes[i];

		if (have->boundary == box->boundary && have->layers == box->layers && have->notes == box->notes &&
		    have->first->hostile_ok == box->first->hostile_ok && is_same_filter(&have->subject, &box->subject))
			return have;
	}
	return NULL;
}

static int add_box(struct explaining *x, const struct serve_class *class, struct err *e)
{
	struct explain_box box = {
		.boundary = strength_find(class->told.boundary), .runtimes = class->told.runtime, .first = &class->told,
		.layers = plan_layers(class->fit.plan), .notes = class->fit.rung.notes, .subject = SUBJECT_NONE,
		.reach = { PLACE_NONE, SURFACE_NONE },
	};
	struct explain_box *same;

	if (subject_add_fit(&box.subject, &class->fit, &x->classes.host, e) < 0) {
		subject_done(&box.subject);
		return -1;
	}
	same = find_same(x, &box);
	if (same) {
		same->runtimes = arena_printf(&x->explain.arena, "%s, %s", same->runtimes, class->told.runtime);
		subject_done(&box.subject);
		return 0;
	}
	box.subject.name = box.reach.place.name = box.reach.place.boundary = class->told.boundary;
	/* An engine that ward-step starts is no step of the plan; what it is to the boundary, the class says. */
	class->fit.plan->boundary = (uint32_t)box.boundary;
	place_from_plan(&box.reach.place, class->fit.plan, &class->policy, &x->classes.host, box.notes);
	x->boxes[x->explain.n_boxes++] = box;
	return 0;
}

/* -- all of it -- */

static int look(struct explaining *x, struct err *e)
{
	const struct config *const config = &x->config;
	const struct serve_wishes wishes = {
		.hostile_container = config_number(config, CONFIG_HOSTILE, 0),
		.warm = (uint32_t)config_number(config, CONFIG_WARM, SERVE_WARM), .config = config,
	};
	struct __user_cap_header_struct header = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct sets[2];

	if (syscall(SYS_capget, &header, sets) < 0)
		return err_sys(e, "capget");
	x->permitted = sets[0].permitted | (uint64_t)sets[1].permitted << 32;
	if (serve_classes_make(&x->classes, &wishes, e) < 0)
		return -1;
	x->explain = (struct explain){
		.version = "ward " WARD_VERSION, .config = config, .host = &x->classes.host, .classes = x->classes.told,
		.n_classes = x->classes.n, .boxes = x->boxes, .is_root = geteuid() == 0,
		.listen = config_text(config, CONFIG_LISTEN, SERVE_LISTEN), .state = config_text(config, CONFIG_STATE, state_dir_usual()),
		.metrics = config_text(config, CONFIG_METRICS, NULL), .has_decoys = *x->classes.honey,
		.connections = config_number(config, CONFIG_CONNECTIONS, SERVE_CONNECTIONS),
		.boxes_max = config_number(config, CONFIG_BOXES, SERVE_BOXES),
	};
	add_processes(x);
	for (size_t i = 0; i < x->classes.n; i++)
		if (!*x->classes.classes[i].told.why && add_box(x, &x->classes.classes[i], e) < 0)
			return -1;
	if (add_filters(x, e) < 0)
		return -1;
	explain_conclude(&x->explain);
	return 0;
}

static bool ends_in(const char *text, const char *tail)
{
	const size_t len = strlen(text), n = strlen(tail);

	return len >= n && strcmp(text + len - n, tail) == 0;
}

/* Its file is opened when there is something to write, and never through a link that somebody laid. */
static int write_page(struct explaining *x, const char *file, struct err *e)
{
	const bool is_text = file ? ends_in(file, ".txt") : isatty(STDOUT_FILENO);
	OWN(str) out = STR_NONE;
	OWN_FD int fd = -1;

	explain_write(&x->explain, is_text ? DOC_TEXT : DOC_HTML, !file && say_colour(STDOUT_FILENO), &out);
	if (!file)
		return say_out(STDOUT_FILENO, "standard output", &out, e);
	fd = open(file, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0644);
	if (fd < 0)
		return err_sys(e, "--explain %.200s", file);
	return say_out(fd, file, &out, e);
}

static int explain_all(struct explaining *x, const struct args *args, struct err *e)
{
	if (args->n_operands)
		return err_set(e, ERR_USAGE, "'%.60s': it takes options only", args->operands[0]);
	if (!args_has(args, SERVE_EXPLAIN))
		return err_set(e, ERR_USAGE, "ward-analyst has no command 'serve'; write `ward serve`");
	if (serve_options_read(args, &x->config, e) < 0 || look(x, e) < 0 ||
	    write_page(x, args_find(args, SERVE_EXPLAIN)->value, e) < 0)
		return -1;
	return explain_is_partial(&x->explain) ? CODE_INCOMPLETE : 0;
}

int command_serve_explain_run(struct args *args, struct err *e)
{
	static struct explaining x;
	int status;

	x.classes = SERVE_CLASSES_NONE;
	status = explain_all(&x, args, e);
	explaining_done(&x);
	return status;
}
