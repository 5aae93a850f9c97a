/* Reads words of units. Source: systemd.exec(5), SystemCallFilter= */
#include "format/systemd_words.h"

#include <inttypes.h>
#include <seccomp.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "format/systemd_groups.h"
#include "model/policy_calls.h"

#define WORDS_MAX 8192
#define ERRNO_MAX 4095

void systemd_miss(struct systemd_reading *r, uint32_t line, const char *what, const char *word)
{
	subject_add_missing(r->out, "%.100s:%" PRIu32 ": %s= %s '%.80s'", r->name, line, r->entry->key, what, word);
}

int systemd_truth(const char *word)
{
	static const char *const yes[] = { "1", "yes", "y", "true", "t", "on" };
	static const char *const no[] = { "0", "no", "n", "false", "f", "off" };

	for (size_t i = 0; i < ARRAY_SIZE(yes); i++) {
		if (strcasecmp(yes[i], word) == 0)
			return 1;
		if (strcasecmp(no[i], word) == 0)
			return 0;
	}
	return -1;
}

bool systemd_error(const char *word, int *error)
{
	struct err e = ERR_INIT;
	uint16_t sys;
	char *end;
	long n;

	if (strcmp(word, "kill") == 0) {
		*error = SYSTEMD_KILL;
		return true;
	}
	if (*word >= '0' && *word <= '9') {
		n = strtol(word, &end, 10);
		*error = (int)n;
		return !*end && n <= ERRNO_MAX;
	}
	if (policy_errno(word, &sys, &e) < 0)
		return false;
	*error = sys;
	return true;
}

/* One word of a list, while it is put in or taken out. */
struct change {
	struct systemd_calls *calls;
	bool is_inverse;
	int error;
	uint32_t line;
	const char *word;
};

static struct systemd_call *call_of(struct systemd_calls *calls, int nr)
{
	for (size_t i = 0; i < calls->n; i++)
		if (calls->of[i].nr == nr)
			return &calls->of[i];
	calls->of = mem_grow(calls->of, &calls->cap, calls->n + 1, sizeof(*calls->of));
	calls->of[calls->n] = (struct systemd_call){ .nr = nr };
	return &calls->of[calls->n++];
}

/* In an allow list "~call:EPERM" leaves the call in, with its errno. false: libseccomp does not know it. */
static bool change_call(const struct change *change, const char *name)
{
	const int nr = seccomp_syscall_resolve_name(name);
	const bool allows = change->calls->is_allow_list;
	struct systemd_call *call;

	if (nr == __NR_SCMP_ERROR)
		return false;
	call = call_of(change->calls, nr);
	call->is_in = change->is_inverse != allows || (change->is_inverse && allows && change->error != SYSTEMD_DEFAULT);
	call->error = change->error;
	call->line = change->line;
	call->word = change->word;
	return true;
}

/* Groups hold groups, two deep at most; members libseccomp does not know are systemd's business. */
static bool change_group(const struct change *change, const char *name)
{
	const char *at = systemd_group(name);
	uint32_t line = 0;
	char word[40];

	if (!at)
		return false;
	while (unit_word(&at, &line, word, sizeof(word)))
		(void)(*word == '@' ? change_group(change, word) : change_call(change, word));
	return true;
}

static void change(struct systemd_reading *r, struct change *change, char *word)
{
	char *const colon = strchr(word, ':');

	change->error = SYSTEMD_DEFAULT;
	change->word = arena_printf(&r->out->arena, "%s=%s%s", r->entry->key, change->is_inverse ? "~" : "", word);
	if (colon) {
		if (!systemd_error(colon + 1, &change->error)) {
			systemd_miss(r, change->line, "unknown error", word);
			return;
		}
		if (!change->is_inverse) {
			systemd_miss(r, change->line, "an allowed call with an error", word);
			return;
		}
		*colon = '\0';
	}
	if (!(*word == '@' ? change_group(change, word) : change_call(change, word)))
		systemd_miss(r, change->line, *word == '@' ? "unknown group" : "unknown system call", word);
}

/* The first assignment decides what the list is. */
static void begin(struct systemd_reading *r, struct systemd_calls *calls, bool is_inverse, bool is_filter)
{
	struct change defaults = { .calls = calls, .error = SYSTEMD_DEFAULT, .line = r->entry->line };

	calls->is_set = true;
	calls->line = r->entry->line;
	calls->is_allow_list = !is_inverse;
	if (is_inverse || !is_filter)
		return;
	defaults.word = "SystemCallFilter= allows @default";
	(void)change_group(&defaults, "@default");
}

void systemd_read_calls(struct systemd_reading *r, struct systemd_calls *calls, bool is_filter)
{
	const char *at = r->entry->value;
	struct change one = { .calls = calls, .is_inverse = *at == '~', .line = r->entry->line };
	char word[80];

	if (!*at) {
		calls->n = 0;
		calls->is_set = calls->is_allow_list = false;
		return;
	}
	at += one.is_inverse;
	if (!calls->is_set)
		begin(r, calls, one.is_inverse, is_filter);
	while (unit_word(&at, &one.line, word, sizeof(word))) {
		if (r->n_words++ == WORDS_MAX)
			systemd_miss(r, one.line, "more words than any unit needs, from", word);
		if (r->n_words > WORDS_MAX)
			return;
		change(r, &one, word);
	}
}
