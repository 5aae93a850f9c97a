/* The rules, as rows: what makes an attacker of what strength, and what that demands of a boundary. */
#include "judge/threat.h"

#include "base/mem.h"

#define W(word) WORD_BIT(WORD_##word)

/* The first row that fits. */
static const struct {
	enum threat_word power;
	uint64_t when;
	const char *why;
} powers[] = {
	{ WORD_POWER_HOSTILE, W(AUTHOR_STRANGER) | W(AUTHOR_CONTRIBUTOR),
	  "nobody answers for this code, so it is taken to be written to break out" },
	{ WORD_POWER_HOSTILE,
	  W(AUTHOR_MODEL) | W(CONTROLS_SOURCE) | W(CONTROLS_INPUTS) | W(CONTROLS_BUILD) |
		  W(CONTROLS_DEPENDENCIES),
	  "a model does what the text it reads makes it do, and strangers write some of that text" },
	{ WORD_POWER_HOSTILE, W(AUTHOR_OWN) | W(CONTROLS_SOURCE),
	  "whoever decides the source decides what it does; that it is called yours changes nothing" },
	{ WORD_POWER_HOSTILE,
	  W(AUTHOR_OWN) | W(AUTHOR_KNOWN) | W(CONTROLS_BUILD) | W(CONTROLS_DEPENDENCIES),
	  "build scripts and packages are code that runs along, and strangers decide them" },
	{ WORD_POWER_TAKEN, W(AUTHOR_OWN) | W(AUTHOR_KNOWN) | W(CONTROLS_INPUTS),
	  "the code is honest, and reads what an attacker wrote: one bug in it and it is the attacker's" },
	{ WORD_POWER_TRICKS, W(AUTHOR_KNOWN),
	  "people who answer for it try what is open, and have no kernel exploit of their own to burn" },
	{ WORD_POWER_TRICKS, W(AUTHOR_MODEL),
	  "a model that was refused something tries all it knows to get past the refusal" },
	{ WORD_POWER_MISTAKE, W(AUTHOR_OWN), "nobody who decides anything here means harm" },
};

/* What each threat demands. Sorted by property, the strictest first. */
static const struct demand rules[] = {
	{ PROPERTY_RIGHTS, HOLDS_YES, 0,
	  "whatever runs, by mistake or on purpose, must not have the rights of who started it" },
	{ PROPERTY_NAMES, HOLDS_YES, W(POWER_HOSTILE) | W(POWER_TRICKS),
	  "what can be learned of the host is what the next attempt is made from" },
	{ PROPERTY_NAMES, HOLDS_YES, W(AUTHOR_KNOWN) | W(AUTHOR_MODEL),
	  "who wrote it may be curious as well" },
	{ PROPERTY_NAMES, HOLDS_YES, W(POWER_TAKEN) | W(STAKE_SECRETS),
	  "names of files and command lines of processes tell secrets" },
	{ PROPERTY_USE, HOLDS_YES, W(TENANTS_TRUSTED) | W(TENANTS_HOSTILE),
	  "others run beside it: what one uses up is missing to all" },
	{ PROPERTY_USE, HOLDS_YES,
	  W(STAKE_AVAILABILITY) | W(POWER_TRICKS) | W(POWER_TAKEN) | W(POWER_HOSTILE),
	  "limits for each process are passed by starting more of them" },
	{ PROPERTY_USE, HOLDS_PARTLY, W(STAKE_AVAILABILITY),
	  "a program that runs away must not take the host along" },
	{ PROPERTY_KERNEL, HOLDS_YES, W(POWER_HOSTILE) | W(DISPOSABLE_NO),
	  "hostile code brings a kernel exploit along: CVE-2022-0185, CVE-2024-1086 and CVE-2026-31431 each "
	  "gave unprivileged code the host's kernel" },
	{ PROPERTY_KERNEL, HOLDS_YES,
	  W(POWER_HOSTILE) | W(STAKE_SECRETS) | W(STAKE_NETWORK),
	  "the host is thrown away, but not what can be read on it and reached from it" },
	{ PROPERTY_KERNEL, HOLDS_YES, W(POWER_TRICKS) | W(POWER_TAKEN) | W(KERNEL_OLD),
	  "exploits for an old kernel are public, and so among what anybody can bring" },
	{ PROPERTY_KERNEL, HOLDS_YES, W(POWER_TAKEN) | W(TENANTS_HOSTILE),
	  "a tenant who takes your program over is after the others, and worth a second exploit" },
	{ PROPERTY_SECOND, HOLDS_PARTLY, W(POWER_HOSTILE) | W(POWER_TAKEN) | W(TENANTS_HOSTILE),
	  "whoever attacks the others is paid by what they own: one bug must not be enough, wherever it is" },
	{ PROPERTY_RECORD, HOLDS_PARTLY, W(POWER_HOSTILE) | W(POWER_TAKEN) | W(TENANTS_HOSTILE),
	  "between a published bug and your update anybody can use it against the tenant next door" },
	{ PROPERTY_CORE, HOLDS_PARTLY, W(TENANTS_HOSTILE) | W(STAKE_SECRETS) | W(STAKE_OTHERS),
	  "a neighbour on the same core can be measured, and keys with it" },
};

const char *threat_conclude(struct threat *threat)
{
	for (size_t i = 0; i < ARRAY_SIZE(powers); i++)
		if (threat_is(threat, powers[i].when)) {
			threat->words &= ~threat_row(THREAT_POWER)->words;
			threat->words |= WORD_BIT(powers[i].power);
			return powers[i].why;
		}
	return NULL; /* every author has a row without further conditions */
}

const struct demand *threat_rule(size_t i)
{
	return i < ARRAY_SIZE(rules) ? &rules[i] : NULL;
}

void threat_demands(const struct threat *threat, const struct demand *out[PROPERTIES])
{
	for (size_t i = 0; i < PROPERTIES; i++)
		out[i] = NULL;
	for (size_t i = ARRAY_SIZE(rules); i-- > 0;)
		if (threat_is(threat, rules[i].when))
			out[rules[i].property] = &rules[i];
}
