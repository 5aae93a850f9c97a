/* The file that `ward bench` leaves for `ward advise`, and the host it speaks of. */
#pragma once

#include "base/err.h"
#include "judge/figures.h"

/* "Linux 6.18.5, 2 processors, ...": figures of another host say little about this one. In the arena. */
const char *bench_host(struct arena *arena);

/* $XDG_STATE_HOME/ward/bench.json, or ~/.local/state/ward/bench.json; NULL: neither is set. In the arena.
 * Source: XDG Base Directory Specification; a relative path in it is void */
const char *bench_path(struct arena *arena);

/* Writes it whole or not at all; directories of bench_path() are made.
 *
 * Errors: ERR_SYSTEM */
MUST_USE int bench_write(const char *path, const struct figures *figures, struct err *e);

/* Errors: those of figures_read(), ERR_MISSING */
MUST_USE int bench_read(const char *path, struct figures *out, struct err *e);
