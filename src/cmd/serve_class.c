/* From the table of runtimes to plans. Refuses to run a class whose boundary this host cannot have: there is no
 * fallback to a weaker one. */
#include "cmd/serve_class.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/fd.h"
#include "cmd/beside.h"
#include "cmd/box_id.h"
#include "cmd/environment.h"
#include "cmd/host.h"
#include "cmd/serve_files.h"
#include "cmd/serve_tree.h"
#include "engine/isolates.h"
#include "judge/contain.h"
#include "model/plan_tree.h"
#include "serve/honey.h"

#define MIB ((uint64_t)1 << 20)
#define BIT(n) (1u << (n))
#define STEP_INSIDE "/ward-step"

/* Wall and processor time are told at the claim; the kernel's own limit of processor time stands behind. Nothing is
 * kept of the service's environment. */
static const char policy_text_format[] =
	"version: 1\n"
	"name: serve-%s\n"
	"boundary: %s\n"
	"threat: hostile\n"
	"fallback: [rlimits]\n"
	"limits: {cpu: 1h, memory: %llu, swap: 0, pids: %llu, files: 256, fsize: %llu, disk: %llu, inodes: %llu}\n"
	"network: none\n"
	"%s%s%s"
	"files:\n"
	"  - exec: %s\n"
	"    as: " STEP_INSIDE "\n"
	"%s%s"
	"cwd: /work\n"
	"proc: pid\n"
	"env:\n"
	"  set: {PATH: \"/usr/local/bin:/usr/bin:/bin\", HOME: /work, LANG: C.UTF-8}\n"
	"terminal: none\n"
	"syscalls: {default: errno, allow: [\"@default\"%s]}\n";

/* Of a zygote. Its guests have limits of their own: these are for all of them and the engine together, so that none is
 * in another's way. Tables of pages and the engine's own memory stand beside what guests may have. */
static const char guests_text_format[] =
	"version: 1\n"
	"name: serve-%s\n"
	"boundary: %s\n"
	"threat: hostile\n"
	"fallback: [rlimits]\n"
	"limits: {memory: %llu, swap: 0, pids: %u}\n"
	"network: none\n"
	"syscalls: {allow: [\"@startup\"]}\n";
#define GUESTS_MEMORY (4096 * MIB)
#define GUESTS_BESIDE (GUESTS_MEMORY / 4 + 256 * MIB)

static void class_done(struct serve_class *class)
{
	plan_free(class->shared);
	class->shared = NULL;
	openings_done(&class->openings);
	fit_done(&class->fit);
	policy_done(&class->policy);
}

void serve_classes_done(struct serve_classes *classes)
{
	for (size_t i = 0; i < classes->n; i++)
		class_done(&classes->classes[i]);
	fd_close(classes->honey_fd);
	arena_done(&classes->arena);
	*classes = SERVE_CLASSES_NONE;
}

static void set_cpus(struct policy *policy, uint64_t milli)
{
	policy->values[KEY_CPUS].set = milli != 0;
	policy->values[KEY_CPUS].n = milli;
}

static uint64_t either(uint64_t asked, uint64_t otherwise)
{
	return asked ? asked : otherwise;
}

static int make_guests_policy(const struct serve_class *class, struct policy *out, struct err *e)
{
	OWN(str) text = STR_NONE;

	str_addf(&text, guests_text_format, class->told.runtime, class->told.boundary,
		 (unsigned long long)(class->told.guests_memory_bytes + GUESTS_BESIDE), ORDER_BOXES_MAX + 16);
	return policy_read("the service's policy", str_text(&text), text.len, out, e);
}

/* The lines of a policy that are its decoys. gVisor's file server looks for the names of what it opens, and a decoy has
 * none any more once its box runs; an image's directories are read-only and have no places for them. */
static const char *honey_of(const struct serve_classes *classes, const struct serve_class *class)
{
	return class->image || strcmp(class->told.boundary, "gvisor") == 0 ? "" : classes->honey;
}

/* An engine for modules is a program in a container, which leaves itself less than the container would. */
static const char *box_of(const struct serve_class *class)
{
	return strcmp(class->told.boundary, "wasm") == 0 ? "container" : class->told.boundary;
}

/* The class's policy with other numbers. */
static int make_policy(const struct serve_class *class, const struct order_limits *limits, const char *step,
		       const char *honey, struct policy *out, struct err *e)
{
	const struct order_limits *const own = &class->told.limits;
	const uint64_t disk = either(limits->disk_bytes, own->disk_bytes);
	OWN(str) text = STR_NONE;

	/* WASI's paths are opened with openat2(2) alone, which holds them below a directory. */
	str_addf(&text, policy_text_format, class->told.runtime, box_of(class),
		 (unsigned long long)either(limits->memory_bytes, own->memory_bytes),
		 (unsigned long long)either(limits->pids, own->pids), (unsigned long long)disk,
		 (unsigned long long)disk, (unsigned long long)either(limits->inodes, own->inodes), class->image ? "image: \"" : "",
		 class->image ? class->image->directory : "", class->image ? "\"\n" : "", step, class->files, honey,
		 class->told.park == PARK_WASM ? ", openat2" : limits->terminals ? ", \"@tty\"" : "");
	if (policy_read("the service's policy", str_text(&text), text.len, out, e) < 0)
		return -1;
	set_cpus(out, either(limits->cpus_milli, own->cpus_milli));
	return 0;
}

static int fit(struct serve_classes *classes, const struct serve_class *class, const struct policy *policy,
	       struct fit *out, struct openings *openings, struct err *e)
{
	if (fit_make(policy, &class->payload, &classes->host, out, e) < 0)
		return -1;
	return openings_open(&out->rung, openings, e);
}

/* root: of the image, "" = the host's own. */
static bool find_program(const char *root, const char *name, char out[64])
{
	static const char *const dirs[] = { "/usr/local/bin", "/usr/bin", "/bin" };

	for (size_t i = 0; i < ARRAY_SIZE(dirs); i++) {
		char path[512];

		snprintf(out, 64, "%s/%.32s", dirs[i], name);
		snprintf(path, sizeof(path), "%.400s%s", root, out);
		if (access(path, X_OK) == 0)
			return true;
	}
	*out = '\0';
	return false;
}

/* "python3" is a link to "python3.11", "gcc" to "gcc-12": where the name tells, nothing has to be run. */
static void find_version(const char *root, const char *program, char *out, size_t cap)
{
	char target[256], path[512];
	const int n = snprintf(path, sizeof(path), "%.400s%s", root, program);
	const ssize_t len = n < 0 ? -1 : readlink(path, target, sizeof(target) - 1);
	const char *digits;

	if (len <= 0)
		return;
	target[len] = '\0';
	digits = target + strcspn(target, "0123456789");
	snprintf(out, cap, "%.*s", (int)strspn(digits, "0123456789."), digits);
}

/* The boundaries a job may have, and what they are good for here: see judge/strength.h. */
static const struct wall {
	int boundary;
	bool is_quick;                  /* it starts in milliseconds; others are kept only while they are asked for */
	unsigned parks;                 /* which runtimes it is for: BIT(enum order_park) */
} walls[] = {
	{ BOUNDARY_CONTAINER, true, BIT(PARK_BARE) | BIT(PARK_PYTHON) | BIT(PARK_NODE) },
	{ BOUNDARY_GVISOR, false, BIT(PARK_BARE) | BIT(PARK_PYTHON) | BIT(PARK_NODE) },
	{ BOUNDARY_JS, true, BIT(PARK_JS) },
	{ BOUNDARY_WASM, true, BIT(PARK_WASM) },
};

static bool contains_hostile(const struct wall *wall)
{
	const enum threat_word form = wall->boundary == BOUNDARY_JS ? WORD_FORM_JS :
				      wall->boundary == BOUNDARY_WASM ? WORD_FORM_WASM : WORD_FORM_NATIVE;
	struct threat threat;

	contain_model(THREAT_HOSTILE, form, true, &threat);
	return !contain_unmet(&threat, wall->boundary);
}

/* A guest is one process without files; its memory is its own. */
static void fill_guests(struct order_class *told)
{
	told->limits = (struct order_limits){ .memory_bytes = 128 * MIB, .pids = 1 };
	told->pids_max = 1;
	told->disk_max_bytes = told->cpus_max_milli = 0;
	told->memory_max_bytes = GUESTS_MEMORY / 4;
	told->guests_memory_bytes = GUESTS_MEMORY;
}

/* The operator's numbers, where there are any, in place of ours; nothing makes a guest more than its box can have. */
static void configure(struct order_class *told, const struct config *config)
{
	const bool boxes = !told->guests_memory_bytes;
	const struct {
		enum config_id limit, ceiling;
		uint64_t *own, *most;
		bool applies;
	} rows[] = {
		{ CONFIG_LIMIT_WALL, CONFIG_CEILING_WALL, &told->wall_ms, &told->wall_max_ms, true },
		{ CONFIG_LIMIT_CPU, CONFIG_CEILING_CPU, &told->cpu_ms, &told->cpu_max_ms, true },
		{ CONFIG_LIMIT_MEMORY, CONFIG_CEILING_MEMORY, &told->limits.memory_bytes, &told->memory_max_bytes, true },
		{ CONFIG_LIMIT_PIDS, CONFIG_CEILING_PIDS, &told->limits.pids, &told->pids_max, boxes },
		{ CONFIG_LIMIT_DISK, CONFIG_CEILING_DISK, &told->limits.disk_bytes, &told->disk_max_bytes, boxes },
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		const uint64_t most = config_number(config, rows[i].ceiling, *rows[i].most);

		if (!rows[i].applies)
			continue;
		if (most < *rows[i].most)
			*rows[i].most = most;
		*rows[i].own = config_number(config, rows[i].limit, *rows[i].own);
		if (*rows[i].own > *rows[i].most)
			*rows[i].own = *rows[i].most;
	}
	if (boxes)
		told->cpus_max_milli = config_number(config, CONFIG_CEILING_CPUS, told->cpus_max_milli);
}

/* What it says of one runtime. */
static void configure_runtime(struct order_class *told, const struct config_runtime *of, bool is_quick)
{
	if (!of)
		return;
	if (of->has_warm && is_quick)
		told->warm = (uint32_t)of->warm;
	snprintf(told->main, sizeof(told->main), "%s", of->main ? of->main : "");
	snprintf(told->build, sizeof(told->build), "%s", of->build ? of->build : "");
	snprintf(told->run, sizeof(told->run), "%s", of->run ? of->run : "");
}

static void fill(struct serve_class *class, const struct runtime *runtime, const struct wall *wall,
		 const struct serve_wishes *wishes)
{
	class->told = (struct order_class){
		.magic = ORDER_MAGIC, .kind = ORDER_CLASS, .park = runtime->park,
		.limits = { .memory_bytes = 512 * MIB, .pids = 64, .disk_bytes = 64 * MIB, .inodes = 4096 },
		.wall_ms = 30000, .cpu_ms = 10000, .wall_max_ms = 3600000, .cpu_max_ms = 3600000,
		.memory_max_bytes = 16384 * MIB, .pids_max = 4096, .disk_max_bytes = 16384 * MIB, .cpus_max_milli = 64000,
		.warm = wall->is_quick ? wishes->warm : 0,
		.hostile_ok = contains_hostile(wall) || wishes->hostile_container,
	};
	if (runtime->park == PARK_JS)
		fill_guests(&class->told);
	configure(&class->told, wishes->config);
	configure_runtime(&class->told, config_runtime(wishes->config, runtime->name), wall->is_quick);
	snprintf(class->told.runtime, sizeof(class->told.runtime), "%s", runtime->name);
	snprintf(class->told.boundary, sizeof(class->told.boundary), "%s", strength_of(wall->boundary)->name);
	snprintf(class->told.image, sizeof(class->told.image), "host");
}

static const char *park_word(enum order_park park)
{
	return park == PARK_PYTHON ? "python" : park == PARK_NODE ? "node" : park == PARK_WASM ? "wasm" : NULL;
}

/* Only whether there is a plan: each zygote's own is made when its channel is there. */
static int make_guests(struct serve_classes *classes, struct serve_class *class, struct err *e)
{
	static const char *const none[] = { NULL };

	class->argv[0] = "zygote";
	class->payload = (struct payload){
		.argv = class->argv, .envp = none, .pass_numbers = &class->guests_inside, .n_pass = 1, .guest = GUEST_ZYGOTE,
	};
	if (make_guests_policy(class, &class->policy, e) < 0)
		return -1;
	return fit_make(&class->policy, &class->payload, &classes->host, &class->fit, e);
}

static int find_image(struct serve_classes *classes, struct serve_class *class, const char *word, struct err *e)
{
	struct serve_image *image;

	if (!word)
		return 0;
	if (!classes->image.word || strcmp(classes->image.word, word) != 0)
		serve_image_look(word, &classes->image, &classes->arena);
	image = arena_alloc(&classes->arena, sizeof(*image));
	*image = classes->image;
	if (!image->digest) {
		*e = image->why;
		return -1;
	}
	class->image = image;
	snprintf(class->told.image, sizeof(class->told.image), "sha256:%.64s", image->digest);
	return 0;
}

/* Copies of what was not attached are Linux 6.15's, and root's to make. */
static bool may_share(const struct serve_classes *classes, const struct serve_class *class)
{
	return classes->host.root && classes->host.may_setuid && classes->host.kernel >= 0x060f00 &&
	       !class->told.guests_memory_bytes && strcmp(box_of(class), "container") == 0;
}

/* Makes the root that all boxes of the class begin with. Where it cannot be had, each makes its own: that takes longer and is
 * no other root. */
static void share_tree(const struct serve_classes *classes, struct serve_class *class)
{
	struct openings *const openings = &class->openings;
	const char *decoys[HONEY_FILES];
	struct plan *tree;
	size_t cap = openings->n;
	struct err ignored;
	int fd = -1;

	if (!may_share(classes, class))
		return;
	for (size_t k = 0; k < HONEY_FILES; k++)
		decoys[k] = honey_path(k);
	tree = plan_new();
	class->shared = plan_new();
	if (plan_take_tree(class->fit.plan, decoys, HONEY_FILES, class->told.runtime, tree, class->shared, &ignored) == 0)
		fd = serve_tree_make(tree, openings->fds, &ignored);
	plan_free(tree);
	if (fd < 0) {
		plan_free(class->shared);
		class->shared = NULL;
		return;
	}
	openings->fds = mem_grow(openings->fds, &cap, openings->n + 1, sizeof(*openings->fds));
	openings->fds[openings->n++] = fd;
}

static int make(struct serve_classes *classes, struct serve_class *class, const struct runtime *runtime, struct err *e)
{
	static const struct order_limits defaults = { 0 };
	const char *const park = park_word(runtime->park), *const root = class->image ? class->image->tree : "";

	if (*runtime->program == '/' && !*classes->host.engine)
		return err_set(e, ERR_MISSING, "%s", classes->host.engine_why);
	if (*runtime->program == '/')
		snprintf(class->program, sizeof(class->program), "%s", runtime->program);
	else if (*runtime->program && !find_program(root, runtime->program, class->program))
		return err_set(e, ERR_MISSING, "%s is not in /usr/local/bin, /usr/bin or /bin of %s; install it",
			       runtime->program, class->image ? "its image" : "this host");
	if (class->told.guests_memory_bytes)
		return make_guests(classes, class, e);
	class->files = serve_files(runtime->park, &classes->host, class->image, &classes->arena);
	find_version(root, class->program, class->told.version, sizeof(class->told.version));
	if (make_policy(class, &defaults, classes->step, honey_of(classes, class), &class->policy, e) < 0)
		return -1;
	class->argv[0] = STEP_INSIDE;
	class->argv[1] = park;
	class->argv[2] = park ? class->program : NULL;
	class->payload = (struct payload){
		.argv = class->argv,
		.envp = environment_make(&class->policy, (char *const[]){ NULL }, false, &classes->arena),
		.tells_sockets = strcmp(box_of(class), "container") == 0,
	};
	if (fit(classes, class, &class->policy, &class->fit, &class->openings, e) < 0)
		return -1;
	if ((runtime->park == PARK_NODE || runtime->park == PARK_WASM) && (class->fit.rung.notes & NOTE_RLIMITS_ONLY) && !class->fit.rung.reserves)
		return err_set(e, ERR_UNSUPPORTED, "its engine reserves more addresses than a memory limit of each process permits; give "
			       "ward a cgroup (systemd-run --user --scope -p Delegate=yes ward serve), or start it as root");
	return 0;
}

static void add(struct serve_classes *classes, const struct runtime *runtime, const struct wall *wall,
		const struct serve_wishes *wishes)
{
	struct serve_class *const class = &classes->classes[classes->n];
	const struct config_runtime *const of = config_runtime(wishes->config, runtime->name);
	struct err e = ERR_INIT;

	fill(class, runtime, wall, wishes);
	class->told.index = (uint32_t)classes->n;
	if (of && of->is_off)
		err_set(&e, ERR_DENIED, "the operator's configuration leaves this runtime out");
	if ((of && of->is_off) || find_image(classes, class, of ? of->image : NULL, &e) < 0 || make(classes, class, runtime, &e) < 0)
		snprintf(class->told.why, sizeof(class->told.why), "%.239s", e.text);
	else
		share_tree(classes, class);
	classes->told[classes->n++] = class->told;
}

/* Where decoys can be made: their mounts take root's rights. A file of ours stands for them in the plan until each box
 * gets its own. */
static void find_honey(struct serve_classes *classes)
{
	static const char *const dirs[] = { "/dev/shm", "/tmp", "/var/tmp" };
	OWN(str) text = STR_NONE;

	classes->honey = "";
	for (size_t i = 0; i < ARRAY_SIZE(dirs) && classes->host.root && classes->host.may_setuid; i++) {
		OWN_FD int fd = open(dirs[i], O_PATH | O_DIRECTORY | O_CLOEXEC);
		struct honey honey = HONEY_NONE;
		struct err ignored;

		if (fd < 0 || honey_make(fd, &honey, &ignored) < 0)
			continue;
		honey_done(&honey);
		classes->honey_fd = TAKE_FD(fd);
		for (size_t k = 0; k < HONEY_FILES; k++)
			str_addf(&text, "  - read: %s\n    as: %s\n", classes->step, honey_path(k));
		classes->honey = arena_copy(&classes->arena, str_text(&text), text.len);
		return;
	}
}

int serve_classes_make(struct serve_classes *classes, const struct serve_wishes *wishes, struct err *e)
{
	if (beside_find("ward-step", &classes->arena, &classes->step, e) < 0 ||
	    host_look(NULL, &classes->host, &classes->monitor_socket, e) < 0)
		return -1;
	find_honey(classes);
	for (size_t i = 0; runtime_at(i); i++)
		for (size_t k = 0; k < ARRAY_SIZE(walls); k++)
			if (walls[k].parks & BIT(runtime_at(i)->park))
				add(classes, runtime_at(i), &walls[k], wishes);
	return 0;
}

/* Each box has an id outside that nobody else has: in the plan stands the launcher's. */
static void give_id(struct plan *plan, uint32_t from, uint32_t to)
{
	for (uint32_t i = 0; i < plan->n_steps; i++)
		if (plan->steps[i].op == OP_IDMAP && plan->steps[i].m == from)
			plan->steps[i].m = to;
}

/* The descriptor that is mounted at a path of the program's, wherever the boundary keeps those. */
static size_t find_bind(const struct plan *plan, const char *path)
{
	for (uint32_t i = 0; i < plan->n_steps; i++) {
		const struct step *const step = &plan->steps[i];
		const char *const at = plan_string(plan, step->s);
		const size_t len = strlen(at), tail = strlen(path);

		if (step->op == OP_BIND && len >= tail && strcmp(at + len - tail, path) == 0)
			return step->fd;
	}
	return PLAN_NO_FD;
}

static struct plan *plan_of(const struct serve_class *class)
{
	return class->shared ? class->shared : class->fit.plan;
}

/* Each box has decoys of its own, or nobody could tell whose program opened one. What is mounted where one was planned
 * for is never anything else. */
static int give_honey(const struct serve_classes *classes, struct serve_class *class, struct honey *out, struct err *e)
{
	const struct plan *const plan = plan_of(class);
	struct honey honey = HONEY_NONE;

	*out = honey;
	if (classes->honey_fd < 0 || class->told.guests_memory_bytes || !*honey_of(classes, class))
		return 0;
	if (honey_make(classes->honey_fd, &honey, e) < 0)
		return err_add(e, "decoys");
	for (size_t k = 0; k < HONEY_FILES; k++) {
		const size_t at = find_bind(plan, honey_path(k));

		if (at == PLAN_NO_FD) {
			honey_done(&honey);
			return err_set(e, ERR_BUG, "the plan has no place for the decoy %s", honey_path(k));
		}
		fd_close(class->openings.fds[at]);
		class->openings.fds[at] = honey.fds[k];
	}
	*out = honey;
	return 0;
}

static bool are_own(const struct order_limits *limits)
{
	static const struct order_limits none = { 0 };

	return memcmp(limits, &none, sizeof(none)) == 0;
}

/* A resident monitor's keepers are not ours, and an ordinary user's may join no namespace. */
bool serve_classes_lends(void *at, uint32_t class_index)
{
	const struct serve_classes *const classes = at;
	const struct serve_class *const class = &classes->classes[class_index];

	return classes->host.root && !classes->monitor_socket && !*class->told.why && class->fit.rung.filter.tells;
}

/* In the runner: a plan whose words name the channel that is there now. */
static int plan_guests(struct serve_classes *classes, struct serve_class *class, struct launch_plan *out, struct err *e)
{
	int ends[2];

	if (isolates_pair(ends, e) < 0)
		return -1;
	out->guests_fd = ends[0];
	class->guests_inside = ends[1];
	fit_done(&class->fit);
	class->fit = FIT_NONE;
	return fit(classes, class, &class->policy, &class->fit, &class->openings, e);
}

int serve_classes_plan(void *at, uint32_t class_index, const struct order_limits *limits, struct launch_plan *out,
		       struct err *e)
{
	struct serve_classes *const classes = at;
	struct serve_class *const class = &classes->classes[class_index];
	struct honey honey;

	if (*class->told.why)
		return err_set(e, ERR_UNSUPPORTED, "%s", class->told.why);
	out->guests_fd = -1;
	if (class->told.guests_memory_bytes && plan_guests(classes, class, out, e) < 0)
		return -1;
	/* This process is the runner's own and ends with the box: the class is its to change. */
	if (!class->told.guests_memory_bytes && !are_own(limits)) {
		class_done(class);
		class->fit = FIT_NONE;
		class->openings = OPENINGS_NONE;
		class->policy = POLICY_NONE;
		class->payload.makes_terminals = limits->terminals;
		if (make_policy(class, limits, classes->step, honey_of(classes, class), &class->policy, e) < 0 ||
		    fit(classes, class, &class->policy, &class->fit, &class->openings, e) < 0)
			return -1;
	}
	if (classes->host.root && classes->host.may_setuid)
		give_id(plan_of(class), classes->host.box_id, box_id_choose());
	if (give_honey(classes, class, &honey, e) < 0)
		return -1;
	*out = (struct launch_plan){
		.policy = &class->policy, .filter = &class->fit.rung.filter, .plan = plan_of(class),
		.fds = class->openings.fds, .n_fds = class->openings.n,
		.notes = class->fit.rung.notes, .guests_fd = out->guests_fd, .monitor_socket = classes->monitor_socket,
		.honey = honey,
	};
	return 0;
}
