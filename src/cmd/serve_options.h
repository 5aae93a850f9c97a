/* What `ward serve` is told, for the service and for whoever explains it. */
#pragma once

#include "cmd/command.h"
#include "serve/config.h"

/* Where nothing is said. */
#define SERVE_LISTEN "127.0.0.1:8086"
#define SERVE_BOXES 64
#define SERVE_WARM 2
#define SERVE_CONNECTIONS 4096

/* What the configuration can say has its number there: a flag is that value, said louder. */
enum serve_id { SERVE_CONFIG = CONFIG_VALUES, SERVE_CHECK, SERVE_HOST, SERVE_WEBHOOK, SERVE_EXPLAIN };
extern const struct opt serve_options[];

/* The file, then the flags. out  starts from CONFIG_NONE; its texts are the words', or its own
 *
 * Errors: those of config_read(); ERR_USAGE */
MUST_USE int serve_options_read(const struct args *args, struct config *out, struct err *e);
