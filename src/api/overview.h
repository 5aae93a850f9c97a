/* GET /v1/overview: how the service is now and was in the last ten minutes. The front's own clock makes a point of it
 * each two seconds. */
#pragma once

#include "api/front.h"

void overview_begin(struct front *front);
