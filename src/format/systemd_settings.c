/* Reads the assignments of a unit that filters hang on. Source: systemd.exec(5) */
#include "format/systemd_settings.h"

#include <inttypes.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "format/capability.h"
#include "format/systemd_words.h"
#include "format/unit.h"
#include "model/syscalls.h"

#define ALL_CAPS ((UINT64_C(1) << 41) - 1)

_Static_assert(SYSTEMD_NAMESPACES == (CLONE_NEWCGROUP | CLONE_NEWIPC | CLONE_NEWNET | CLONE_NEWNS | CLONE_NEWPID |
				     CLONE_NEWUSER | CLONE_NEWUTS), "namespaces");

void systemd_settings_done(struct systemd_settings *settings)
{
	free(settings->filter.of);
	free(settings->log.of);
	*settings = (struct systemd_settings){ .error_number = 0 };
}

static void read_switch(struct systemd_reading *r, int which)
{
	const int truth = systemd_truth(r->entry->value);

	if (truth < 0 && *r->entry->value) {
		systemd_miss(r, r->entry->line, "neither yes nor no", r->entry->value);
		return;
	}
	r->settings->switches[which].on = truth > 0;
	r->settings->switches[which].line = r->entry->line;
}

static void read_filter(struct systemd_reading *r, int arg)
{
	(void)arg;
	systemd_read_calls(r, &r->settings->filter, true);
}

static void read_log(struct systemd_reading *r, int arg)
{
	(void)arg;
	systemd_read_calls(r, &r->settings->log, false);
}

static void read_error_number(struct systemd_reading *r, int arg)
{
	(void)arg;
	if (!*r->entry->value)
		r->settings->error_number = SYSTEMD_KILL;
	else if (!systemd_error(r->entry->value, &r->settings->error_number))
		systemd_miss(r, r->entry->line, "unknown error", r->entry->value);
}

static void read_arches(struct systemd_reading *r, int arg)
{
	static const char *const others[] = {
		"native", "x86-64", "arm", "arm64", "mips", "mips64", "mips64-n32", "mips-le", "mips64-le",
		"mips64-le-n32", "parisc", "parisc64", "ppc", "ppc64", "ppc64-le", "riscv64", "s390", "s390x",
	};
	struct systemd_settings *const s = r->settings;
	const char *at = r->entry->value;
	uint32_t line = r->entry->line;
	char word[32];

	(void)arg;
	s->arches_line = line;
	if (!*at)
		s->has_arches = s->allows_x86 = s->allows_x32 = false;
	while (unit_word(&at, &line, word, sizeof(word))) {
		size_t i = 0;

		while (i < ARRAY_SIZE(others) && strcmp(others[i], word) != 0)
			i++;
		if (strcmp(word, "x86") == 0)
			s->allows_x86 = true;
		else if (strcmp(word, "x32") == 0)
			s->allows_x32 = true;
		else if (i == ARRAY_SIZE(others)) {
			systemd_miss(r, line, "unknown architecture", word);
			continue;
		}
		s->has_arches = true;
	}
}

/* The first assignment decides whether the list allows or refuses; later ones add to it or take away. */
static void read_families(struct systemd_reading *r, int arg)
{
	struct systemd_settings *const s = r->settings;
	const char *at = r->entry->value;
	const bool is_inverse = *at == '~';
	uint32_t line = r->entry->line;
	char word[32];

	(void)arg;
	s->families_line = line;
	if (!*at || strcmp(at, "none") == 0) {
		s->families_allowed = *at;
		s->has_families = false;
		s->families = 0;
		return;
	}
	/* Also after "none": the next assignment is the first one again. */
	if (!s->has_families)
		s->families_allowed = !is_inverse;
	s->has_families = true;
	at += is_inverse;
	while (unit_word(&at, &line, word, sizeof(word))) {
		uint64_t family;

		if (strncmp(word, "AF_", 3) != 0 || !syscalls_constant(word, &family) || family > 63) {
			systemd_miss(r, line, "unknown address family", word);
			continue;
		}
		if (is_inverse != s->families_allowed)
			s->families |= UINT64_C(1) << family;
		else
			s->families &= ~(UINT64_C(1) << family);
	}
}

static bool namespace_named(const char *name, uint64_t *flag)
{
	static const struct {
		const char *name;
		uint64_t flag;
	} names[] = {
		{ "cgroup", CLONE_NEWCGROUP }, { "ipc", CLONE_NEWIPC },   { "net", CLONE_NEWNET }, { "mnt", CLONE_NEWNS },
		{ "pid", CLONE_NEWPID },       { "user", CLONE_NEWUSER }, { "uts", CLONE_NEWUTS },
	};

	for (size_t i = 0; i < ARRAY_SIZE(names); i++)
		if (strcmp(names[i].name, name) == 0) {
			*flag = names[i].flag;
			return true;
		}
	return false;
}

static void read_namespaces(struct systemd_reading *r, int arg)
{
	struct systemd_settings *const s = r->settings;
	const char *at = r->entry->value;
	const bool is_inverse = *at == '~';
	const int truth = systemd_truth(at);
	uint32_t line = r->entry->line;
	uint64_t flags = 0, flag;
	char word[32];

	(void)arg;
	s->namespaces_line = line;
	if (!*at || truth >= 0) {
		s->has_namespaces = *at;
		s->namespaces = truth > 0 ? 0 : SYSTEMD_NAMESPACES;
		return;
	}
	for (at += is_inverse; unit_word(&at, &line, word, sizeof(word)); flags |= flag)
		if (!namespace_named(word, &flag)) {
			/* systemd ignores the whole line. */
			systemd_miss(r, line, "unknown namespace", word);
			return;
		}
	if (!s->has_namespaces)
		s->namespaces = is_inverse ? SYSTEMD_NAMESPACES & ~flags : flags;
	else
		s->namespaces = is_inverse ? s->namespaces & ~flags : s->namespaces | flags;
	s->has_namespaces = true;
}

static void read_personality(struct systemd_reading *r, int arg)
{
	(void)arg;
	if (strcmp(r->entry->value, "x86-64") == 0 || !*r->entry->value)
		r->settings->personality = 0; /* PER_LINUX */
	else if (strcmp(r->entry->value, "x86") == 0)
		r->settings->personality = 8; /* PER_LINUX32 */
	else
		systemd_miss(r, r->entry->line, "unknown personality", r->entry->value);
}

/* which  0: the bounding set, which begins full; 1: the ambient one, which begins empty */
static void read_caps(struct systemd_reading *r, int which)
{
	uint64_t *const set = which ? &r->settings->ambient : &r->settings->bounding, listed = 0;
	const char *at = r->entry->value;
	const bool is_inverse = *at == '~', is_initial = *set == (which ? 0 : ALL_CAPS);
	uint32_t line = r->entry->line;
	char word[40];

	for (at += is_inverse; unit_word(&at, &line, word, sizeof(word));) {
		const int number = capability_number(word);

		if (number < 0)
			systemd_miss(r, line, "unknown capability", word);
		else
			listed |= UINT64_C(1) << number;
	}
	/* Nothing, or nothing but "~", resets. */
	if (!listed || is_initial)
		*set = is_inverse ? ALL_CAPS & ~listed : listed;
	else
		*set = is_inverse ? *set & ~listed : *set | listed;
}

static void read_user(struct systemd_reading *r, int arg)
{
	const char *const user = r->entry->value;

	(void)arg;
	r->settings->has_user = *user && strcmp(user, "root") != 0 && strcmp(user, "0") != 0;
}

/* Any of them gives the unit a mount namespace of its own. */
static void read_mount(struct systemd_reading *r, int arg)
{
	(void)arg;
	if (*r->entry->value && systemd_truth(r->entry->value) != 0)
		r->settings->own_mount = true;
}

static void read_input(struct systemd_reading *r, int arg)
{
	(void)arg;
	r->settings->has_terminal = strncmp(r->entry->value, "tty", 3) == 0;
}

/* A command may ask to be left alone. */
static void read_command(struct systemd_reading *r, int arg)
{
	const char *const value = r->entry->value;
	const size_t prefixes = strspn(value, "@-:+!");

	(void)arg;
	if (memchr(value, '+', prefixes))
		systemd_miss(r, r->entry->line, "runs without filters, because of its '+':", value);
}

static const struct directive {
	const char *key;
	void (*read)(struct systemd_reading *r, int arg);
	int arg;
} directives[] = {
	{ "SystemCallFilter", read_filter, 0 },
	{ "SystemCallLog", read_log, 0 },
	{ "SystemCallErrorNumber", read_error_number, 0 },
	{ "SystemCallArchitectures", read_arches, 0 },
	{ "RestrictAddressFamilies", read_families, 0 },
	{ "RestrictNamespaces", read_namespaces, 0 },
	{ "MemoryDenyWriteExecute", read_switch, SWITCH_MEMORY },
	{ "RestrictRealtime", read_switch, SWITCH_REALTIME },
	{ "RestrictSUIDSGID", read_switch, SWITCH_SUID },
	{ "LockPersonality", read_switch, SWITCH_PERSONALITY },
	{ "Personality", read_personality, 0 },
	{ "ProtectHostname", read_switch, SWITCH_HOSTNAME },
	{ "ProtectClock", read_switch, SWITCH_CLOCK },
	{ "ProtectKernelTunables", read_switch, SWITCH_TUNABLES },
	{ "ProtectKernelTunables", read_mount, 0 },
	{ "ProtectKernelModules", read_switch, SWITCH_MODULES },
	{ "ProtectKernelModules", read_mount, 0 },
	{ "ProtectKernelLogs", read_switch, SWITCH_LOGS },
	{ "ProtectKernelLogs", read_mount, 0 },
	{ "PrivateDevices", read_switch, SWITCH_DEVICES },
	{ "PrivateDevices", read_mount, 0 },
	{ "NoNewPrivileges", read_switch, SWITCH_NEW_PRIVS },
	{ "DynamicUser", read_switch, SWITCH_DYNAMIC_USER },
	{ "DynamicUser", read_mount, 0 },
	{ "PrivateNetwork", read_switch, SWITCH_NETWORK },
	{ "PrivateUsers", read_switch, SWITCH_USERS },
	{ "PrivateIPC", read_switch, SWITCH_IPC },
	{ "PrivatePIDs", read_switch, SWITCH_PIDS },
	{ "CapabilityBoundingSet", read_caps, 0 },
	{ "AmbientCapabilities", read_caps, 1 },
	{ "User", read_user, 0 },
	{ "StandardInput", read_input, 0 },
	{ "ExecStart", read_command, 0 },
	{ "ExecStartPre", read_command, 0 },
	{ "ExecStartPost", read_command, 0 },
	{ "PrivateTmp", read_mount, 0 },
	{ "PrivateMounts", read_mount, 0 },
	{ "ProtectSystem", read_mount, 0 },
	{ "ProtectHome", read_mount, 0 },
	{ "ProtectControlGroups", read_mount, 0 },
	{ "ReadOnlyPaths", read_mount, 0 },
	{ "ReadWritePaths", read_mount, 0 },
	{ "InaccessiblePaths", read_mount, 0 },
	{ "ExecPaths", read_mount, 0 },
	{ "NoExecPaths", read_mount, 0 },
	{ "BindPaths", read_mount, 0 },
	{ "BindReadOnlyPaths", read_mount, 0 },
	{ "TemporaryFileSystem", read_mount, 0 },
	{ "RootDirectory", read_mount, 0 },
	{ "RootImage", read_mount, 0 },
};

/* The sections whose processes systemd starts. */
static bool is_ours(const char *section)
{
	static const char *const sections[] = { "Service", "Socket", "Mount", "Swap" };
	size_t i = 0;

	while (i < ARRAY_SIZE(sections) && strcmp(sections[i], section) != 0)
		i++;
	return i < ARRAY_SIZE(sections);
}

static void read_entry(struct systemd_reading *r)
{
	for (size_t i = 0; is_ours(r->entry->section) && i < ARRAY_SIZE(directives); i++)
		if (strcmp(directives[i].key, r->entry->key) == 0)
			directives[i].read(r, directives[i].arg);
}

int systemd_settings_read(const char *name, const char *text, size_t len, struct systemd_settings *settings,
			  struct subject *out, struct err *e)
{
	struct unit_entry entry;
	struct systemd_reading r = { .name = name, .entry = &entry, .settings = settings, .out = out };
	struct unit unit;
	int more;

	*settings = (struct systemd_settings){ .error_number = SYSTEMD_KILL, .bounding = ALL_CAPS };
	if (unit_init(&unit, name, text, len, e) < 0)
		return -1;
	while ((more = unit_next(&unit, &entry, e)) > 0)
		read_entry(&r);
	unit_done(&unit);
	return more;
}
