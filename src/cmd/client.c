/* `ward-client`: the commands that talk to a service. Dynamic, because libcurl is; holds no right, and starts nothing. */
#include "cmd/dispatch.h"

#define WARD(name) DISPATCH_ELSEWHERE(name)
#define ANALYST(name) DISPATCH_ELSEWHERE(name)
#define PLUGIN(name) DISPATCH_ELSEWHERE(name)
#define CLIENT(name) DISPATCH_HERE(name)
#define COMMAND(name, program) program(name)
static const struct dispatch_row rows[] = {
#include "cmd/commands.def"
};

int main(int argc, char **argv)
{
	return dispatch(&(struct dispatch){ CLIENT, rows, ARRAY_SIZE(rows) }, argc, argv);
}
