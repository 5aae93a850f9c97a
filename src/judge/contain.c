/* From a word to a threat model, and from that to demands. Decides nothing that the rules of threat.c do not. */
#include "judge/contain.h"

#include "base/mem.h"

#define W(word) WORD_BIT(WORD_##word)

static const uint64_t models[] = {
	[THREAT_OWN] = W(AUTHOR_OWN) | W(STAKE_HOST),
	[THREAT_KNOWN] = W(AUTHOR_KNOWN) | W(STAKE_HOST) | W(STAKE_AVAILABILITY),
	[THREAT_HOSTILE] = W(AUTHOR_STRANGER) | W(CONTROLS_SOURCE) | W(CONTROLS_INPUTS) | W(STAKE_HOST) | W(STAKE_SECRETS) |
			   W(STAKE_NETWORK) | W(STAKE_AVAILABILITY),
};

void contain_model(int word, enum threat_word form, bool shared, struct threat *out)
{
	const uint64_t tenants = !shared ? W(TENANTS_ALONE) : word == THREAT_HOSTILE ? W(TENANTS_HOSTILE) : W(TENANTS_TRUSTED);
	const uint64_t others = shared && word == THREAT_HOSTILE ? W(STAKE_OTHERS) : 0;

	*out = (struct threat){ .words = models[word] | WORD_BIT(form) | tenants | others | W(KERNEL_UNKNOWN) | W(KVM_AUTO) |
					 W(DISPOSABLE_NO) };
	threat_conclude(out);
}

const struct demand *contain_unmet(const struct threat *threat, int boundary)
{
	const struct demand *demands[PROPERTIES];

	threat_demands(threat, demands);
	for (size_t i = 0; i < PROPERTIES; i++)
		if (demands[i] && strength_holds(boundary, (enum property)i) < demands[i]->least)
			return demands[i];
	return NULL;
}
