/* ward's plug-ins, for a C program that wants to have some.
 *
 * A plug-in is a WebAssembly module and a manifest. It runs in a process of its own, inside a box of ward's, and
 * can reach three functions: log, kv_get, kv_put. What an embedder registers besides may widen that, and is warned
 * about. Neither engine nor box is in the embedder's process; ward(1) has to be installed.
 *
 * No function here is for two threads at once with the same plug-in; different plug-ins are independent of each
 * other. A function of the embedder's that calls its own plug-in is refused, and must not close it. Nothing is printed but warnings that nobody takes. docs/plugin.md is the reference. */
#pragma once

#include <stddef.h>

#ifdef __cplusplus
extern "C" {
#endif

#define WARD_PLUGIN_API __attribute__((visibility("default")))

/* What a function of the embedder touches, at most. The embedder's own word: nobody can check it. */
enum ward_plugin_class {
	WARD_PLUGIN_PURE,               /* computes from its input alone */
	WARD_PLUGIN_LOG,                /* writes to where the host's own people read */
	WARD_PLUGIN_STORAGE,            /* from here on it widens: data that others read or write */
	WARD_PLUGIN_CLOCK,
	WARD_PLUGIN_RANDOM,
	WARD_PLUGIN_ENVIRONMENT,        /* the host's configuration */
	WARD_PLUGIN_MESSAGE,            /* other plug-ins and programs of the host */
	WARD_PLUGIN_FILE,
	WARD_PLUGIN_DEVICE,
	WARD_PLUGIN_NETWORK,
	WARD_PLUGIN_PROCESS
};

/* A function that the plug-in imports as "embedder" "NAME": (in, in length, out, room) -> length.
 *
 * call  gets a copy of the input, writes at most `room` bytes, returns their number or -1. in and out do not overlap
 *       and belong to the host; the plug-in waits, and its wall clock runs */
struct ward_plugin_function {
	const char *name;
	enum ward_plugin_class declared;
	long (*call)(void *at, const void *in, size_t in_len, void *out, size_t room);
	void *at;
};

/* How a call ended. */
enum ward_plugin_end {
	WARD_PLUGIN_OK,                 /* what it put is in the store */
	WARD_PLUGIN_REFUSED,            /* by the host, before anything ran: manifest, module, function, input */
	WARD_PLUGIN_TRAP,               /* the module's own fault */
	WARD_PLUGIN_LIMIT,              /* processor time, wall clock, memory, host calls */
	WARD_PLUGIN_STORE,              /* the call was good, but could not be kept: conflict, quota, disk */
	WARD_PLUGIN_BROKEN              /* the worker died or spoke nonsense; the next call has a new one */
};

struct ward_plugin_error {
	enum ward_plugin_end end;
	char text[368];                 /* one line without control bytes; "" when there is none */
};

/* The functions are borrowed until ward_plugin_close(), the texts only until ward_plugin_open() returns. */
struct ward_plugin_options {
	const char *manifest;           /* path */
	const char *store;              /* path of the SQLite file; it is made when it is not there */
	const char *ward;               /* path of ward; NULL: /usr/bin/ward */
	int adopt;                      /* take the namespace over from another module */
	const struct ward_plugin_function *functions;
	size_t n_functions;
	/* A line of the plug-in (level 0 error .. 3 debug); any bytes. NULL: dropped. */
	void (*log)(void *at, const char *plugin, int level, const void *text, size_t len);
	/* A warning of the host's, one line. NULL: standard error. */
	void (*warn)(void *at, const char *text);
	void *at;
};

/* Who runs the module. Either is in the worker's process, in a box. */
enum ward_plugin_engine {
	WARD_PLUGIN_ANY,                /* what was installed, else V8 */
	WARD_PLUGIN_V8,                 /* compiles the module whenever a worker starts */
	WARD_PLUGIN_WASM2C              /* what `ward plugin install` has compiled, and nothing else */
};

struct ward_plugin_choice {
	enum ward_plugin_engine engine;
	const char *compiled;           /* the directory of `ward plugin install`; NULL: there is none */
};

struct ward_plugin;

/* Reads the manifest, judges the module, warns of each registered function that widens the sandbox, and starts the
 * worker. NULL with the reason in *error. */
WARD_PLUGIN_API struct ward_plugin *ward_plugin_open(const struct ward_plugin_options *options, struct ward_plugin_error *error);

/* The same with an engine of the caller's choice; ward_plugin_open() takes V8. What was installed and could have been
 * written by others is refused, and never passed by. */
WARD_PLUGIN_API struct ward_plugin *ward_plugin_open_with(const struct ward_plugin_options *options,
	const struct ward_plugin_choice *choice, struct ward_plugin_error *error);

/* "v8" or "wasm2c". */
WARD_PLUGIN_API const char *ward_plugin_engine_name(const struct ward_plugin *plugin);

/* Calls an exported function with some bytes. A call that does not end with OK leaves nothing in the store.
 *
 * output  allocated, for free(3); NULL when the function has none; may itself be NULL
 * error   filled in either case */
WARD_PLUGIN_API enum ward_plugin_end ward_plugin_call(struct ward_plugin *plugin, const char *function, const void *input,
						      size_t input_len, void **output, size_t *output_len,
						      struct ward_plugin_error *error);

/* The plug-in's name; borrowed. */
WARD_PLUGIN_API const char *ward_plugin_name(const struct ward_plugin *plugin);

/* The process that stands between the host and the worker (ward); 0 when none runs. */
WARD_PLUGIN_API long ward_plugin_process(const struct ward_plugin *plugin);

/* Ends the worker, and waits for it. NULL is fine. */
WARD_PLUGIN_API void ward_plugin_close(struct ward_plugin *plugin);

#ifdef __cplusplus
}
#endif
