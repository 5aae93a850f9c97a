/* `ward-analyst`: the commands that judge, measure and explain, which `ward` hands on to it. */
#include "cmd/dispatch.h"

#define ANALYST(name) DISPATCH_HERE(name)
#include "cmd/dispatch_rows.def"

int main(int argc, char **argv)
{
	return dispatch(&(struct dispatch){ ANALYST, rows, ARRAY_SIZE(rows) }, argc, argv);
}
