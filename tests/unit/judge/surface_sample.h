/* A surface to look at: a place by hand, filters by hand, and the answer. Include it behind cmocka.h. */
#pragma once

#include <linux/audit.h>
#include <stddef.h>
#include <string.h>
#include <sys/syscall.h>

#include "base/mem.h"
#include "judge/surface.h"

struct sample {
	struct place place;
	struct subject subject;
	struct surface surface;
	struct regions *store;
};
#define SAMPLE_NONE ((struct sample){ .place = PLACE_NONE, .subject = SUBJECT_NONE, .surface = SURFACE_NONE })

static inline void sample_done(struct sample *sample)
{
	surface_done(&sample->surface);
	place_done(&sample->place);
	subject_done(&sample->subject);
	regions_free(sample->store);
}

static inline void sample_make(struct sample *sample)
{
	if (!sample->place.name)
		sample->place.name = "sample";
	sample->store = regions_new(1 << 20);
	surface_make(&sample->surface, &sample->place, &sample->subject, sample->store);
}

/* Makes the surface when that was not done yet. */
static inline const struct surface_item *sample_find(struct sample *sample, const char *name)
{
	if (!sample->store)
		sample_make(sample);
	for (size_t i = 0; i < sample->surface.n_items; i++)
		if (strcmp(sample->surface.items[i].name, name) == 0)
			return &sample->surface.items[i];
	fail_msg("no item '%s'", name);
	return NULL;
}

#define SAMPLE_STMT(code, k) { (code), 0, 0, (k) }
#define SAMPLE_JEQ(k, yes, no) { BPF_JMP | BPF_JEQ | BPF_K, (yes), (no), (k) }

/* Adds a filter that allows one call; any other gets `otherwise`. */
static inline void sample_allow_only(struct sample *sample, uint32_t nr, uint32_t otherwise)
{
	const struct sock_filter program[] = {
		SAMPLE_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, arch)),
		SAMPLE_JEQ(AUDIT_ARCH_X86_64, 0, 3),
		SAMPLE_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
		SAMPLE_JEQ(nr, 0, 1),
		SAMPLE_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
		SAMPLE_STMT(BPF_RET | BPF_K, otherwise),
	};

	subject_add_filter(&sample->subject, "one", program, ARRAY_SIZE(program));
}
