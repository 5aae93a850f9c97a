/* A policy compiled as `ward compile` does it, for the tests of the writers. */
#pragma once

#include "../model/near_calls.h"
#include "boundary/hostview.h"
#include "format/peer.h"

struct boxed {
	struct near_sets sets;
	struct filter_cases cases;
	struct sock_filter program[BPF_MAXINSNS];
	struct peer_box box;
	struct peer_text text;
};

static const char *const boxed_nothing[] = { NULL };

static inline struct boxed *boxed_write(const char *peer, const char *text, size_t len, const char *source,
					const char *const *argv, bool widen)
{
	struct boxed *const made = mem_alloc(sizeof(*made));
	struct err e = ERR_INIT;
	size_t n = 0;

	near_read(&made->sets, text, len);
	if (filter_cases(&made->sets.rows, &made->sets.floor, &made->cases, &e) < 0 ||
	    filter_stack(&made->sets.rows, &made->sets.floor, made->program, BPF_MAXINSNS, &n, &e) < 0)
		fail_msg("%s: %s", source, e.text);
	made->box = (struct peer_box){ .policy = &made->sets.policy, .source = source,
				       .rows = &made->sets.rows, .cases = &made->cases,
				       .program = made->program, .n = n, .argv = argv, .widen = widen,
				       .host = { hostview_trees, hostview_etc } };
	if (peer_write(peer_find(peer), &made->box, &made->text, &e) < 0)
		fail_msg("%s: %s", source, e.text);
	return made;
}

static inline struct boxed *boxed_builtin(const char *peer, const char *name)
{
	size_t len = 0;
	const char *const text = policy_builtin(name, &len);

	return boxed_write(peer, text, len, name, boxed_nothing, false);
}

static inline struct boxed *boxed_text(const char *peer, const char *text)
{
	return boxed_write(peer, text, strlen(text), "test", boxed_nothing, false);
}

static inline void boxed_free(struct boxed *made)
{
	peer_text_done(&made->text);
	filter_cases_done(&made->cases);
	near_done(&made->sets);
	free(made);
}

static inline const char *boxed_out(const struct boxed *made)
{
	return str_text(&made->text.out);
}

static inline bool boxed_has_note(const struct boxed *made, bool is_wider, const char *word)
{
	for (size_t i = 0; i < made->text.n_notes; i++)
		if (made->text.notes[i].is_wider == is_wider && strstr(made->text.notes[i].text, word))
			return true;
	return false;
}
