/* `ward precompile`: its options. */
#pragma once

enum precompile_option { PRECOMPILE_OUTPUT, PRECOMPILE_JSON };
