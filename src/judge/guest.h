/* Guests that make the attempts of probe/guest.def from inside an engine, and tell as ward-probe does. Pure: the
 * guest is bytes. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/str.h"
#include "probe/attempt.h"

/* The numbers by which a guest has its directories; -1: the policy gives it none. */
struct guest_scene {
	int read_fd, write_fd;
};

/* A boundary whose program is read by an engine. */
struct guest_kind {
	const char *boundary;
	uint32_t claim;         /* enum attempt_claims */
	enum attempt_group group;
	/* Appends a guest that makes the selected attempts, selected[attempt_count()], in the order of the table. One
	 * that has to be tried alone is the whole guest. */
	void (*make)(const bool *selected, const struct guest_scene *scene, struct str *out);
};

/* NULL: the programs of this boundary are native. */
const struct guest_kind *guest_kind_find(const char *boundary);

void guest_make_wasm(const bool *selected, const struct guest_scene *scene, struct str *out);
void guest_make_js(const bool *selected, const struct guest_scene *scene, struct str *out);
