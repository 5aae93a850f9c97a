/* From a unit to a subject. */
#include "format/systemd_read.h"

#include <linux/capability.h>

#include "format/systemd_filters.h"
#include "format/systemd_settings.h"

#define CAP(name) (UINT64_C(1) << CAP_##name)

static bool is_on(const struct systemd_settings *s, enum systemd_switch which)
{
	return s->switches[which].on;
}

/* What directives bring along. Source: unit_patch_contexts() of systemd's src/core/unit.c */
static void imply(struct systemd_settings *s)
{
	if (is_on(s, SWITCH_DYNAMIC_USER)) {
		s->has_user = true;
		s->switches[SWITCH_NEW_PRIVS].on = true;
		s->switches[SWITCH_SUID].on = true;
		s->switches[SWITCH_SUID].line = s->switches[SWITCH_DYNAMIC_USER].line;
	}
	if (is_on(s, SWITCH_MODULES))
		s->bounding &= ~CAP(SYS_MODULE);
	if (is_on(s, SWITCH_LOGS))
		s->bounding &= ~CAP(SYSLOG);
	if (is_on(s, SWITCH_CLOCK))
		s->bounding &= ~(CAP(SYS_TIME) | CAP(WAKE_ALARM));
	if (is_on(s, SWITCH_DEVICES))
		s->bounding &= ~(CAP(MKNOD) | CAP(SYS_RAWIO));
}

static enum known known(bool truth)
{
	return truth ? KNOWN_YES : KNOWN_NO;
}

static void fill_context(const struct systemd_settings *s, struct subject *out)
{
	/* A user without CAP_SYS_ADMIN cannot install filters otherwise. */
	const bool has_new_privs = is_on(s, SWITCH_NEW_PRIVS) ||
		(s->has_user && out->n_filters && !(s->ambient & CAP(SYS_ADMIN)));
	struct subject_context *const context = &out->context;

	context->own_user = known(is_on(s, SWITCH_USERS));
	context->own_pid = known(is_on(s, SWITCH_PIDS));
	context->own_net = known(is_on(s, SWITCH_NETWORK));
	context->own_mount = known(s->own_mount);
	context->own_ipc = known(is_on(s, SWITCH_IPC));
	context->own_uts = known(is_on(s, SWITCH_HOSTNAME));
	context->own_cgroup = KNOWN_NO;
	context->own_terminal = known(!s->has_terminal);
	context->no_new_privs = known(has_new_privs);
	context->caps_known = true;
	context->caps = s->has_user && has_new_privs ? s->ambient & s->bounding : s->bounding;
}

int systemd_read(const char *name, const char *text, size_t len, struct subject *out, struct err *e)
{
	OWN(systemd_settings) settings = { .error_number = 0 };

	if (systemd_settings_read(name, text, len, &settings, out, e) < 0)
		return -1;
	imply(&settings);
	out->kind = SUBJECT_SYSTEMD;
	subject_add_whys(out, text, len);
	if (systemd_add_filters(&settings, out, e) < 0)
		return err_add(e, "%.100s", name);
	fill_context(&settings, out);
	return 0;
}
