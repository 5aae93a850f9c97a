/* V8 behind the seam of wasm/engine.h. The only header of C++, and it throws nothing. */
#pragma once

#include "wasm/engine.h"
