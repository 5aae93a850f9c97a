/* From policy to rows, cases, program and another tool's words. Prints nothing. */
#include "cmd/compiled.h"

#include <stdlib.h>

#include "boundary/floor.h"
#include "boundary/hostview.h"
#include "boundary/parts.h"

struct compiled *compiled_new(void)
{
	return mem_alloc(sizeof(struct compiled));
}

void compiled_free(struct compiled *c)
{
	peer_text_done(&c->text);
	filter_cases_done(&c->cases);
	filter_set_done(&c->floor);
	filter_set_done(&c->rows);
	free(c);
}

int compiled_find(const char *name, const char *const *also, const struct peer **peer, struct err *e)
{
	struct str_near near = STR_NEAR(name);

	*peer = peer_find(name);
	if (*peer)
		return 0;
	for (size_t i = 0; peer_at(i); i++)
		str_near_offer(&near, peer_at(i)->name);
	for (; also && *also; also++)
		str_near_offer(&near, *also);
	if (str_near_best(&near))
		return err_set(e, ERR_USAGE, "unknown format '%.40s' (did you mean '%s'?)", name, str_near_best(&near));
	return err_set(e, ERR_USAGE, "unknown format '%.40s'; `ward compile --help` lists them", name);
}

int compiled_write(struct compiled *c, const struct policy *policy, const struct compiled_how *how,
		   const struct peer *peer, struct err *e)
{
	struct peer_box box = { .policy = policy, .source = how->source, .rows = &c->rows, .cases = &c->cases,
				.program = c->program, .host = { hostview_trees, hostview_etc }, .argv = how->argv,
				.widen = how->widen };

	if (parts_filter_rows(policy, NULL, 0, &c->rows, e) < 0)
		return -1;
	floor_rows(&c->floor);
	if ((peer->needs_cases && filter_cases(&c->rows, &c->floor, &c->cases, e) < 0) ||
	    filter_stack(&c->rows, &c->floor, c->program, ARRAY_SIZE(c->program), &c->n, e) < 0)
		return -1;
	box.n = c->n;
	return peer_write(peer, &box, &c->text, e);
}
