/* `ward-client`: the commands that talk to a service. Dynamic, because libcurl is; holds no right, and starts nothing. */
#include "cmd/dispatch.h"

#define CLIENT(name) DISPATCH_HERE(name)
#include "cmd/dispatch_rows.def"

int main(int argc, char **argv)
{
	return dispatch(&(struct dispatch){ CLIENT, rows, ARRAY_SIZE(rows) }, argc, argv);
}
