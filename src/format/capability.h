/* The names of capabilities. */
#pragma once

#include <stdint.h>

/* The bit number of "CAP_SYS_ADMIN", also written "cap_sys_admin" or "sys_admin"; -1: unknown. */
int capability_number(const char *name);
