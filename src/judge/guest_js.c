/* Writes a script that makes attempts by what the engine gives a script. Each is an expression of its own, so that what
 * one spoils or throws ends with it. */
#include <string.h>

#include "base/mem.h"
#include "judge/guest.h"

static const struct row {
	const char *id, *steps;
} rows[] = {
#define GUEST(id, group, claims, steps, ...) { id, steps },
#include "probe/guest.def"
#undef GUEST
};

/* A name of a refusal is the engine's: there is no errno. */
static const char head[] = "const attempt = (id, possible) => {\n"
			   "\tlet end = 'refused 0 -';\n"
			   "\tconsole.log(`S ${id}`);\n"
			   "\ttry { if (possible()) end = 'allowed 0 -' } catch (e) { end = `refused 0 ${e.name}` }\n"
			   "\tconsole.log(`P ${id} ${end}`);\n"
			   "};\n";

void guest_make_js(const bool *selected, const struct guest_scene *scene, struct str *out)
{
	size_t n = 0;

	(void)scene;
	str_add(out, head);
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		const struct attempt_row *const row = attempt_find(rows[i].id);

		if (row->group != GROUP_JS || !selected[attempt_index(row)])
			continue;
		str_addf(out, "attempt('%s', () => %s);\n", row->id, rows[i].steps);
		n++;
	}
	str_addf(out, "console.log('E %zu');\n", n);
}
