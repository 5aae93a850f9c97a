/* Any bytes are either a configuration of the service or an error in one line, which leaves nothing behind; numbers lie
 * within the bounds of their rows. */
#include <stdint.h>
#include <string.h>

#include "serve/config.h"

#include "require.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	OWN(config) config = CONFIG_NONE;
	struct err e = ERR_INIT;

	if (config_read("fuzz", (const char *)data, len, &config, &e) < 0) {
		require_error(&e);
		require_that(!config.arena.blocks && !config.n_runtimes);
		return 0;
	}
	require_that(e.kind == ERR_NONE && config.n_runtimes <= CONFIG_RUNTIMES);
	require_that(config_number(&config, CONFIG_BOXES, 1) >= 1 && config_number(&config, CONFIG_BOXES, 1) <= 512);
	require_that(config_number(&config, CONFIG_LIMIT_WALL, 1) <= 3600000);
	for (size_t i = 0; i < config.n_runtimes; i++)
		require_that(!config.runtimes[i].run || strlen(config.runtimes[i].run) < RUNTIME_WORDS);
	return 0;
}
