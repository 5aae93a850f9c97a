/* A handler for each row of the table. Each answers, or waits (request.h); later calls come from the loop. */
#pragma once

#include "api/route.h"

#define ROUTE(handler, ...) route_handler api_##handler;
#include "api/route.def"
#undef ROUTE
