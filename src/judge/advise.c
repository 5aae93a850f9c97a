/* Decides. The tables say what holds; here they meet one threat. */
#include "judge/advise.h"

#define GIB ((uint64_t)1 << 30)

static uint64_t lacks_of(const struct threat *threat, int boundary)
{
	const struct strength *const strength = strength_of(boundary);
	const uint64_t forms = threat->words & threat_row(THREAT_FORM)->words;
	const uint64_t needs = threat->words & threat_row(THREAT_NEEDS)->words;

	return (forms & ~strength->forms) | (needs & ~strength->needs);
}

static void judge_row(const struct advise_case *of, const struct demand *const demands[PROPERTIES],
		      int boundary, struct advise_row *row)
{
	const struct threat *const threat = of->threat;

	*row = (struct advise_row){ .figure = figures_of(of->figures, boundary) };
	for (size_t i = 0; i < PROPERTIES; i++)
		if (demands[i] && strength_holds(boundary, (enum property)i) < demands[i]->least) {
			row->fails[i] = demands[i];
			row->n_fails++;
		}
	row->lacks = lacks_of(threat, boundary);
	row->contains = !row->n_fails;
	row->serves = row->contains && !row->lacks;
	row->is_slow = threat->start_ms && row->figure.start_p99_us > threat->start_ms * 1000;
	row->is_large = threat->density && row->figure.idle_bytes &&
			row->figure.idle_bytes > GIB / threat->density;
}

static bool has_no_kvm(const struct threat *threat, int boundary)
{
	return boundary == BOUNDARY_MICROVM && threat_has(threat, WORD_KVM_NO);
}

/* The cheapest that serves and may be afforded; if none may, the cheapest that serves: what it costs too
 * much is said, containment is not given up for it. */
static int choose(const struct advice *advice)
{
	int fallback = -1;

	for (int i = 0; i < STRENGTH_BOUNDARIES; i++) {
		const int boundary = strength_by_cost(i);
		const struct advise_row *const row = &advice->rows[boundary];

		if (!row->serves || has_no_kvm(advice->of->threat, boundary))
			continue;
		if (!row->is_slow && !row->is_large)
			return boundary;
		if (fallback < 0)
			fallback = boundary;
	}
	return fallback;
}

static const char *why_impossible(const struct advice *advice)
{
	const struct threat *const threat = advice->of->threat;

	if (advice->rows[BOUNDARY_MICROVM].serves && has_no_kvm(threat, BOUNDARY_MICROVM))
		return "only a microVM contains this attacker and gives what the program needs, and the host may run "
		       "none: use another host, or give the program less";
	if (threat_has(threat, WORD_NEEDS_DEVICES))
		return "the driver of a device is the host's kernel, so whoever is given a device is given that: put "
		       "the job on a machine of its own, with nothing else on it, and state host.disposable: yes";
	return "no single boundary contains this attacker and gives all that the program needs: give it less, or "
	       "split it into a part that needs much and a part that is trusted little";
}

void advise(const struct advise_case *of, struct advice *out)
{
	*out = (struct advice){ .of = of, .chosen = -1 };
	out->power_why = threat_conclude(of->threat);
	threat_demands(of->threat, out->demands);
	for (int i = 0; i < STRENGTH_BOUNDARIES; i++)
		judge_row(of, out->demands, i, &out->rows[i]);
	out->chosen = choose(out);
	if (out->chosen < 0)
		out->impossible = why_impossible(out);
	out->is_refused = of->proposed >= 0 && !out->rows[of->proposed].serves;
	advise_surround(out);
}

bool advise_is_met(const struct advice *advice)
{
	const int used = advice->of->proposed >= 0 ? advice->of->proposed : advice->chosen;

	return used >= 0 && !advice->is_refused && !advice->n_gaps && !advice->of->missing[used];
}

void advise_lacks(const struct advise_row *row, struct str *out)
{
	const char *between = "";

	for (size_t i = 0; i < THREAT_WORDS; i++) {
		const struct threat_meaning *const meaning = threat_meaning((enum threat_word)i);

		if (!(row->lacks & WORD_BIT(i)))
			continue;
		str_addf(out, meaning->field == THREAT_FORM ? "%scannot run form %s" : "%scannot give %s",
			 between, meaning->word);
		between = ", ";
	}
}

const char *advise_origin(const struct figure *figure)
{
	static const char *const origins[] = {
		[FIGURE_NONE] = "not known", [FIGURE_MEASURED] = "measured", [FIGURE_PUBLISHED] = "published",
	};

	return origins[figure->kind];
}
