/* From a profile to a filter of libseccomp. Ignores nothing in silence. */
#include "format/oci_read.h"

#include <errno.h>
#include <inttypes.h>
#include <seccomp.h>
#include <stdio.h>
#include <string.h>

#include "format/capability.h"
#include "format/oci_load.h"
#include "format/oci_rules.h"

/* "SCMP_ARCH_X86_64" is libseccomp's "x86_64". */
static int add_arch(struct oci *oci, const struct node *node, struct err *e)
{
	static const char prefix[] = "SCMP_ARCH_";
	const char *const name = oci_text(node);
	char small[32] = "";
	uint32_t arch;
	int rc;

	if (strncmp(name, prefix, strlen(prefix)) == 0 && strlen(name) - strlen(prefix) < sizeof(small))
		for (size_t i = strlen(prefix); name[i]; i++)
			small[i - strlen(prefix)] = (char)(name[i] | (name[i] >= 'A' && name[i] <= 'Z' ? 0x20 : 0));
	arch = seccomp_arch_resolve_name(small);
	if (!arch) {
		oci_miss(oci, node, "unknown architecture", name);
		return 0;
	}
	rc = seccomp_arch_add(oci->filter.ctx, arch);
	if (rc < 0 && rc != -EEXIST)
		return tree_fail(oci->tree, node->at, e, ERR_USAGE, "libseccomp refuses the architecture '%.40s': %s", name,
				 strerror(-rc));
	return 0;
}

static int add_arches(struct oci *oci, const struct node *list, struct err *e)
{
	for (const struct node *item = list ? list->first : NULL; item; item = item->next)
		if (add_arch(oci, item, e) < 0)
			return -1;
	return 0;
}

/* Docker's way: the row of this machine. */
static int read_arch_map(struct oci *oci, const struct node *map, struct err *e)
{
	const struct node *subs;

	for (const struct node *row = map->first; row; row = row->next) {
		if (strcmp(oci_text(oci_get(row, "architecture")), "SCMP_ARCH_X86_64") != 0)
			continue;
		return oci_list(oci, row, "subArchitectures", &subs, e) < 0 ? -1 : add_arches(oci, subs, e);
	}
	return 0;
}

static int read_arches(struct oci *oci, const struct node *profile, struct err *e)
{
	const struct node *list, *map;

	if (oci_list(oci, profile, "architectures", &list, e) < 0 || oci_list(oci, profile, "archMap", &map, e) < 0)
		return -1;
	if (list && list->n && map && map->n)
		return tree_fail(oci->tree, map->at, e, ERR_USAGE, "both 'architectures' and 'archMap'; write one");
	return map && map->n ? read_arch_map(oci, map, e) : add_arches(oci, list, e);
}

/* They change how the filter is installed, not what it says. */
static int read_flags(struct oci *oci, const struct node *profile, struct err *e)
{
	static const char *const known[] = {
		"SECCOMP_FILTER_FLAG_TSYNC", "SECCOMP_FILTER_FLAG_LOG", "SECCOMP_FILTER_FLAG_SPEC_ALLOW",
		"SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV",
	};
	const struct node *list;

	if (oci_list(oci, profile, "flags", &list, e) < 0)
		return -1;
	for (const struct node *item = list ? list->first : NULL; item; item = item->next) {
		size_t i = 0;

		while (i < ARRAY_SIZE(known) && strcmp(known[i], oci_text(item)) != 0)
			i++;
		if (i == ARRAY_SIZE(known))
			oci_miss(oci, item, "unknown flag", oci_text(item));
	}
	return 0;
}

static int read_default(struct oci *oci, const struct node *profile, struct err *e)
{
	const struct node *const action = oci_get(profile, "defaultAction");
	char text[64];
	uint16_t sys;
	int rc;

	if (!action)
		return tree_fail(oci->tree, profile->at, e, ERR_USAGE,
				 "a seccomp profile without 'defaultAction'; write SCMP_ACT_ERRNO");
	if (oci_errno(oci, profile, "defaultErrnoRet", "defaultErrno", &sys, e) < 0)
		return -1;
	rc = oci_action(oci, action, sys, &oci->otherwise, e);
	if (rc <= 0)
		return rc < 0 ? -1 : tree_fail(oci->tree, action->at, e, ERR_USAGE,
					       "unknown action '%.40s' as the default; write SCMP_ACT_ERRNO",
					       action->text);
	snprintf(text, sizeof(text), "defaultAction %s", action->text);
	subject_add_line(oci->out, SUBJECT_ANY, action->at.line, action->at.column, text);
	return scmp_init(&oci->filter, oci->otherwise, e);
}

static int read_profile(struct oci *oci, const struct node *profile, struct err *e)
{
	static const char *const known[] = {
		"defaultAction", "defaultErrnoRet", "defaultErrno", "architectures", "archMap", "flags",
		"listenerPath", "listenerMetadata", "syscalls", "comment",
	};
	const struct node *list;

	if (tree_want(oci->tree, profile, NODE_MAP, "a seccomp profile", e) < 0)
		return -1;
	oci_check_keys(oci, profile, known, ARRAY_SIZE(known));
	if (read_default(oci, profile, e) < 0 || read_arches(oci, profile, e) < 0 || read_flags(oci, profile, e) < 0 ||
	    oci_list(oci, profile, "syscalls", &list, e) < 0)
		return -1;
	for (const struct node *entry = list ? list->first : NULL; entry; entry = entry->next, oci->index++)
		if (oci_add_entry(oci, entry, e) < 0)
			return -1;
	return scmp_add_filter(&oci->filter, "seccomp", oci->out, e);
}

static enum known truth(const struct node *node)
{
	return strcmp(oci_text(node), "true") == 0 ? KNOWN_YES : KNOWN_NO;
}

static void read_namespaces(struct subject_context *context, const struct node *list)
{
	const struct {
		const char *type;
		enum known *own;
	} kinds[] = {
		{ "pid", &context->own_pid },     { "network", &context->own_net }, { "mount", &context->own_mount },
		{ "ipc", &context->own_ipc },     { "uts", &context->own_uts },     { "user", &context->own_user },
		{ "cgroup", &context->own_cgroup },
	};

	for (size_t i = 0; i < ARRAY_SIZE(kinds); i++)
		*kinds[i].own = KNOWN_NO;
	/* One with a path is joined: nobody says with whom it is shared. */
	for (const struct node *item = list ? list->first : NULL; item; item = item->next)
		for (size_t i = 0; i < ARRAY_SIZE(kinds); i++)
			if (strcmp(kinds[i].type, oci_text(oci_get(item, "type"))) == 0)
				*kinds[i].own = *oci_text(oci_get(item, "path")) ? KNOWN_NOT : KNOWN_YES;
}

static int read_caps(struct oci *oci, const struct node *caps, struct err *e)
{
	static const char *const sets[] = { "bounding", "effective", "permitted" };

	if (!caps)
		return 0;
	oci->out->context.caps_known = true;
	oci->out->context.caps = 0;
	for (size_t i = 0; i < ARRAY_SIZE(sets); i++) {
		const struct node *list;

		if (oci_list(oci, caps, sets[i], &list, e) < 0)
			return -1;
		for (const struct node *item = list ? list->first : NULL; item; item = item->next) {
			const int number = capability_number(oci_text(item));

			if (number < 0)
				oci_miss(oci, item, "unknown capability", oci_text(item));
			else
				oci->out->context.caps |= UINT64_C(1) << number;
		}
	}
	return 0;
}

/* What a runtime configuration says of the place. */
static int read_config(struct oci *oci, const struct node *root, struct err *e)
{
	const struct node *const process = oci_get(root, "process"), *const linux_part = oci_get(root, "linux");
	const struct node *const profile = oci_get(linux_part, "seccomp");
	struct subject_context *const context = &oci->out->context;

	if (process && read_caps(oci, oci_get(process, "capabilities"), e) < 0)
		return -1;
	if (process)
		context->no_new_privs = truth(oci_get(process, "noNewPrivileges"));
	if (truth(oci_get(process, "terminal")) == KNOWN_YES)
		context->own_terminal = KNOWN_YES;
	if (linux_part)
		read_namespaces(context, oci_get(linux_part, "namespaces"));
	/* Without one nothing is loaded, and everything is allowed. */
	return profile ? read_profile(oci, profile, e) : 0;
}

static int read_root(struct oci *oci, const struct node *root, struct err *e)
{
	if (!root || root->kind != NODE_MAP)
		return err_set(e, ERR_USAGE, "%.100s: neither a seccomp profile nor a runtime configuration", oci->tree->name);
	oci->out->kind = SUBJECT_OCI;
	if (oci_get(root, "defaultAction"))
		return read_profile(oci, root, e);
	if (oci_get(root, "linux") || oci_get(root, "ociVersion") || oci_get(root, "process"))
		return read_config(oci, root, e);
	return read_profile(oci, root, e);
}

int oci_read(const char *name, const char *text, size_t len, struct subject *out, struct err *e)
{
	OWN(tree) tree = { .name = name, .what = "profile" };
	struct oci oci = { .tree = &tree, .out = out };
	int rc = oci_load(&tree, text, len, e);

	if (rc == 0)
		rc = read_root(&oci, tree.root, e);
	scmp_done(&oci.filter);
	return rc;
}
