/* Where a service's state is. */
#include "cmd/state_dir.h"

#include <unistd.h>

const char *state_dir_usual(void)
{
	return geteuid() == 0 ? STATE_OF_ROOT : STATE_OF_USER;
}
