/* Fuzz: any bytes as a plan. What is accepted can be printed, counted, cut and verified again.
 *
 * An input is: number of steps (2 bytes, modulo 256), descriptors (1), ceiling bits (1), the steps as
 * they lie in memory, and the rest for bytes[]; so a mutation reaches both parts. */
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "base/str.h"
#include "model/plan.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n);

#define PAGE 4096

/* The plan ends where memory does: reading on is a crash. */
static struct plan *at_the_edge(void)
{
	const size_t bytes = (sizeof(struct plan) + PAGE - 1) / PAGE * PAGE;
	char *map = mmap(NULL, bytes + PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (map == MAP_FAILED || mprotect(map + bytes, PAGE, PROT_NONE) < 0)
		abort();
	return (struct plan *)(void *)(map + bytes - sizeof(struct plan));
}

static size_t take(const uint8_t **bytes, size_t *n, void *out, size_t want)
{
	const size_t have = want < *n ? want : *n;

	memcpy(out, *bytes, have);
	*bytes += have;
	*n -= have;
	return have;
}

static void fill(struct plan *plan, const uint8_t *bytes, size_t n, uint8_t *bits)
{
	uint16_t n_steps = 0;
	uint8_t n_fds = 0;

	memset(plan, 0, offsetof(struct plan, steps) + 256 * sizeof(struct step));
	take(&bytes, &n, &n_steps, sizeof(n_steps));
	take(&bytes, &n, &n_fds, 1);
	take(&bytes, &n, bits, 1);
	plan->n_steps = n_steps % 256;
	plan->n_fds = n_fds;
	take(&bytes, &n, plan->steps, plan->n_steps * sizeof(struct step));
	/* At the very end for some, so that the last string and filter meet the edge. */
	plan->n_bytes = (uint32_t)take(&bytes, &n, plan->bytes, PLAN_BYTES);
	if (*bits & 128) {
		memset(plan->bytes + plan->n_bytes, 'a', PLAN_BYTES - plan->n_bytes - 1);
		plan->bytes[PLAN_BYTES - 1] = '\0';
		plan->n_bytes = PLAN_BYTES;
	}
}

static void cut(const struct plan *plan, struct ceiling *ceiling)
{
	static struct plan *copy;
	const size_t head = offsetof(struct plan, steps) + plan->n_steps * sizeof(struct step);

	if (!copy)
		copy = at_the_edge();
	for (enum layer layer = 0; layer < LAYERS; layer++) {
		struct err e = ERR_INIT;

		if (!(plan_layers(plan) & LAYER_BIT(layer)))
			continue;
		memcpy(copy, plan, head);
		memcpy(copy->bytes, plan->bytes, plan->n_bytes);
		if (plan_without(copy, layer, &e) < 0)
			continue;
		ceiling->knife = true;
		ceiling->layers_required = ceiling->cgroup_required = false;
		if (plan_layers(copy) & LAYER_BIT(layer) ||
		    plan_verify(copy, sizeof(*copy), copy->n_fds, ceiling, &e) < 0)
			abort();
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
	static struct plan *plan;
	OWN(str) text = STR_NONE;
	struct ceiling ceiling = ceiling_default;
	struct err e = ERR_INIT;
	uint8_t bits = 0;

	if (!plan)
		plan = at_the_edge();
	fill(plan, bytes, n, &bits);
	ceiling.knife = bits & 1;
	ceiling.layers_required = bits & 2;
	ceiling.cgroup_required = bits & 4;
	if (plan_verify(plan, sizeof(*plan), plan->n_fds, &ceiling, &e) < 0) {
		if (e.kind != ERR_DENIED || !*e.text)
			abort();
		return 0;
	}
	plan_text(plan, &text);
	cut(plan, &ceiling);
	return 0;
}
