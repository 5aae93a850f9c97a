/* The functions behind attempts.def. Each tries its row's operation once, harmlessly, in a process
 * it may spoil, and leaves nothing behind. */
#pragma once

#include "probe/attempt.h"
#include "probe/outcome.h"
#include "probe/scene.h"

/* What every attempt is given; few need both. */
#define GIVEN                                                                                      \
	const struct scene *scene __attribute__((unused)),                                         \
		const struct attempt_row *row __attribute__((unused))

#define ATTEMPT(function, ...) struct outcome try_##function(GIVEN);
#include "probe/attempts.def"
#undef ATTEMPT
