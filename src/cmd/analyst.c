/* `ward-analyst`: the commands that judge, measure and explain, which `ward` hands on to it. */
#include "cmd/dispatch.h"
#include "cmd/serve_explain.h"

/* Of `ward serve` this program has what --explain asks for, and nothing that starts a box. */
static const struct dispatch_row explains = { &command_serve, command_serve_explain_run };

#define ANALYST(name) DISPATCH_HERE(name)
#include "cmd/dispatch_rows.def"

int main(int argc, char **argv)
{
	struct dispatch_row all[ARRAY_SIZE(rows) + 1] = { explains };

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		all[i + 1] = rows[i];
	return dispatch(&(struct dispatch){ ANALYST, all, ARRAY_SIZE(all) }, argc, argv);
}
