/* A threat of examples/threats, or one written in a test, on a build that has the boundaries process and
 * container, and golden files. */
#pragma once

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "judge/advise.h"

struct sample {
	struct threat threat;
	struct advise_case of;
	struct advice advice;
};
#define SAMPLE_NONE ((struct sample){ .of = { .proposed = -1 } })

static inline void sample_done(struct sample *sample)
{
	threat_done(&sample->threat);
}

static inline void sample_read(struct sample *sample, const char *name)
{
	char path[128], text[4096];
	struct err e = ERR_INIT;
	FILE *file;
	size_t len;

	snprintf(path, sizeof(path), "examples/threats/%s.yaml", name);
	file = fopen(path, "re");
	assert_non_null(file);
	len = fread(text, 1, sizeof(text), file);
	fclose(file);
	if (threat_read(path, text, len, &sample->threat, &e) < 0)
		fail_msg("%s", e.text);
}

static inline void sample_judge(struct sample *sample)
{
	sample->of.threat = &sample->threat;
	for (int i = 0; i < STRENGTH_BOUNDARIES; i++)
		if (i != BOUNDARY_PROCESS && i != BOUNDARY_CONTAINER)
			sample->of.missing[i] = "this build has none";
	advise(&sample->of, &sample->advice);
}

/* tests/golden/advise/NAME; UPDATE_GOLDEN=1 writes it anew. */
static inline void expect_advice(const char *name, const struct str *text)
{
	char path[128], wanted[65536];
	FILE *file;
	size_t len;

	snprintf(path, sizeof(path), "tests/golden/advise/%s", name);
	if (getenv("UPDATE_GOLDEN")) {
		file = fopen(path, "we");
		assert_non_null(file);
		fwrite(text->at, 1, text->len, file);
		fclose(file);
	}
	file = fopen(path, "re");
	if (!file)
		fail_msg("%s is missing; UPDATE_GOLDEN=1 writes it", path);
	len = fread(wanted, 1, sizeof(wanted) - 1, file);
	fclose(file);
	wanted[len] = '\0';
	assert_string_equal(str_text(text), wanted);
}
