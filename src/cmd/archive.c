/* `ward-archive`: the commands that copy a service's state. Dynamic, because SQLite is; starts nothing. */
#include "cmd/dispatch.h"

#define ARCHIVE(name) DISPATCH_HERE(name)
#include "cmd/dispatch_rows.def"

int main(int argc, char **argv)
{
	return dispatch(&(struct dispatch){ ARCHIVE, rows, ARRAY_SIZE(rows) }, argc, argv);
}
