/* `ward-analyst`: the commands that judge, measure and explain, which `ward` hands on to it. */
#include "cmd/dispatch.h"

#define WARD(name) DISPATCH_ELSEWHERE(name)
#define ANALYST(name) DISPATCH_HERE(name)
#define PLUGIN(name) DISPATCH_ELSEWHERE(name)
#define CLIENT(name) DISPATCH_ELSEWHERE(name)
#define COMMAND(name, program) program(name)
static const struct dispatch_row rows[] = {
#include "cmd/commands.def"
};

int main(int argc, char **argv)
{
	return dispatch(&(struct dispatch){ ANALYST, rows, ARRAY_SIZE(rows) }, argc, argv);
}
