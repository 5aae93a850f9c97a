/* The size of a terminal, in characters; rows 0: there is none. */
#pragma once

#include <stdint.h>

#define JOB_SIDE_MAX 1000

struct job_window {
	uint16_t rows, cols;
};
