/* What the boxes of the service show of this host: the middle of a policy. */
#pragma once

#include "base/mem.h"
#include "model/host.h"
#include "serve/order.h"

#define SERVE_ENGINE_INSIDE "/ward-v8"

/* Lines of a policy's `files`, in the arena: the host's programs for those that are run by the kernel; for an engine
 * nothing but it and the libraries it starts with, and directories without programs. */
const char *serve_files(enum order_park park, const struct host *host, struct arena *arena);
