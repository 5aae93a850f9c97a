/* A plug-in's process: sealed, and then at the host's service. */
#pragma once

#include "base/err.h"

/* Serves a plug-in's host on a descriptor; comes back only with an error. */
MUST_USE int plugin_run(int fd, struct err *e);
