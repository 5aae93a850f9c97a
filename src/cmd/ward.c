/* `ward`: starts boxes. Every other command is handed to the program it lives in. */
#include "cmd/dispatch.h"

#define WARD(name) DISPATCH_HERE(name)
#include "cmd/dispatch_rows.def"

int main(int argc, char **argv)
{
	return dispatch(&(struct dispatch){ WARD, rows, ARRAY_SIZE(rows) }, argc, argv);
}
