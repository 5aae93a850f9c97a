/* One number for another. */
#include <errno.h>

#include "base/mem.h"
#include "wasi/abi.h"

static const uint16_t linux_numbers[WASI_ERRNOS] = {
#define E(name, number) number,
#include "wasi/errno.def"
#undef E
};

uint32_t wasi_errno_of(int number)
{
	for (uint32_t i = 0; i < ARRAY_SIZE(linux_numbers); i++)
		if (linux_numbers[i] == number && (number || i == WASI_SUCCESS))
			return i;
	return WASI_IO;
}
