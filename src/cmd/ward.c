/* `ward`: starts boxes. Every other command is handed to the program it lives in. */
#include "cmd/dispatch.h"

#define WARD(name) DISPATCH_HERE(name)
#define ANALYST(name) DISPATCH_ELSEWHERE(name)
#define PLUGIN(name) DISPATCH_ELSEWHERE(name)
#define CLIENT(name) DISPATCH_ELSEWHERE(name)
#define COMMAND(name, program) program(name)
static const struct dispatch_row rows[] = {
#include "cmd/commands.def"
};

int main(int argc, char **argv)
{
	return dispatch(&(struct dispatch){ WARD, rows, ARRAY_SIZE(rows) }, argc, argv);
}
