/* The tables of the front's jail, for the front and for whoever explains it. */
#pragma once

#include <linux/landlock.h>
#include <stdint.h>

#include "model/filter.h"

/* Adds the rows of its filter. self  its pid: what it may send signals to */
void front_filter(struct filter_set *set, uint32_t self);

/* What it may do beneath the state directory: all that no program and no special file is made of. */
#define FRONT_BENEATH \
	(LANDLOCK_ACCESS_FS_READ_FILE | LANDLOCK_ACCESS_FS_WRITE_FILE | LANDLOCK_ACCESS_FS_READ_DIR | \
	 LANDLOCK_ACCESS_FS_REMOVE_FILE | LANDLOCK_ACCESS_FS_REMOVE_DIR | LANDLOCK_ACCESS_FS_MAKE_DIR | \
	 LANDLOCK_ACCESS_FS_MAKE_REG | 1ull << 13 /* refer */ | 1ull << 14 /* truncate */)
