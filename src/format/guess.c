/* Tells formats apart by their first words. Believes no file name. */
#include "format/guess.h"

#include <ctype.h>
#include <string.h>
#include <strings.h>

#include "base/mem.h"
#include "format/json_scan.h"

static const char *const names[SUBJECT_KINDS] = {
	[SUBJECT_POLICY] = "ward", [SUBJECT_OCI] = "oci", [SUBJECT_SYSTEMD] = "systemd", [SUBJECT_BPF] = "bpf",
};

enum subject_kind guess_named(const char *name)
{
	int kind = 0;

	while (kind < SUBJECT_KINDS && !(names[kind] && strcmp(names[kind], name) == 0))
		kind++;
	return (enum subject_kind)kind;
}

/* One key of those is enough: a policy of ward has none of them. Go's reader, which the peers use, does not
 * tell capitals from small letters. */
static bool is_oci_key(const char *key)
{
	static const char *const keys[] = {
		"defaultAction", "architectures", "archMap", "ociVersion", "linux", "process",
	};

	for (size_t i = 0; i < ARRAY_SIZE(keys); i++)
		if (strcasecmp(keys[i], key) == 0)
			return true;
	return false;
}

static enum subject_kind guess_json(const char *text, size_t len)
{
	enum subject_kind kind = SUBJECT_POLICY;
	struct json_scan scan;
	enum json_event event;
	struct err e = ERR_INIT;

	json_scan_init(&scan, "", text, len);
	while (kind == SUBJECT_POLICY && json_scan_next(&scan, &event, &e) == 0 && event != JSON_EVENT_END)
		if (event == JSON_EVENT_KEY) {
			if (is_oci_key(scan.text))
				kind = SUBJECT_OCI;
			else if (json_scan_skip(&scan, &e) < 0)
				break;
		}
	json_scan_done(&scan);
	return kind;
}

/* Past blanks, and lines that are comments in a unit file, a policy or a list of numbers. */
static const char *first_word(const char *at, const char *end)
{
	while (at < end) {
		if (*at == '#' || *at == ';')
			at = memchr(at, '\n', (size_t)(end - at));
		else if (!isspace((unsigned char)*at))
			return at;
		at = at ? at + 1 : end;
	}
	return end;
}

enum subject_kind guess_kind(const char *text, size_t len)
{
	const size_t mark = len >= 3 && memcmp(text, "\xef\xbb\xbf", 3) == 0 ? 3 : 0;
	const char *const end = text + len, *const at = first_word(text + mark, end);
	const char *next;

	/* Every instruction has a zero byte somewhere; no text has. */
	if (memchr(text, '\0', len))
		return SUBJECT_BPF;
	if (at == end)
		return SUBJECT_POLICY;
	next = first_word(at + 1, end);
	if (*at == '{')
		return next < end && isdigit((unsigned char)*next) ? SUBJECT_BPF : guess_json(at, (size_t)(end - at));
	if (*at == '[' && next < end && isupper((unsigned char)*next))
		return SUBJECT_SYSTEMD;
	return isdigit((unsigned char)*at) ? SUBJECT_BPF : SUBJECT_POLICY;
}
