/* Alerts on their way out: to the log, to whoever listens, and to what else is told of them. */
#pragma once

#include "store/store_alert.h"

/* `at` is the front. The alert lies in the store; id 0: it could not be kept, and the log alone has it. */
void alert_raised(void *at, const struct store_alert *alert);
