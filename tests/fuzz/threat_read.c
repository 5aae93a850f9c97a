/* Any bytes are either a threat model or an error in one line. What was read and is written out is read as
 * the same; what was refused leaves nothing behind. */
#include <stdint.h>
#include <string.h>

#include "model/threat.h"
#include "require.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	OWN(threat) threat = THREAT_NONE;
	OWN(threat) again = THREAT_NONE;
	OWN(str) text = STR_NONE;
	struct err e = ERR_INIT;

	if (threat_read("fuzz", (const char *)data, len, &threat, &e) < 0) {
		require_error(&e);
		require_that(!threat.arena.blocks && !threat.words);
		return 0;
	}
	require_that(e.kind == ERR_NONE);
	threat_write(&threat, &text);
	require_that(threat_read("again", str_text(&text), text.len, &again, &e) == 0);
	require_that(again.words == threat.words && again.start_ms == threat.start_ms);
	require_that(again.density == threat.density && !again.name == !threat.name);
	require_that(!threat.name || strcmp(threat.name, again.name) == 0);
	return 0;
}
