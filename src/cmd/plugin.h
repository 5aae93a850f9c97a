/* Ids of the options of `ward plugin`. */
#pragma once

enum plugin_option { PLUGIN_STORE, PLUGIN_ADOPT, PLUGIN_JSON, PLUGIN_QUIET };
