/* Where the dashboard's files are. */
#pragma once

#include <stdbool.h>

bool page_is_at(const char *path);
