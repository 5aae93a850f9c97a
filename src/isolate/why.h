/* Where something was thrown that nobody caught, and its text: bytes of the guest. Also for C++. */
#pragma once

#include <stdint.h>

struct guest_why {
	uint32_t line, column;  /* from 1; 0 = not known */
	char file[256], text[1536];
};
