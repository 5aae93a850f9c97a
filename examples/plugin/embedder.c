/* A program with plug-ins: embedder MANIFEST STORE [FUNCTION [INPUT]]. It has two functions for them: `upper` computes,
 * `ask` would ask somebody on the network. Which of them a plug-in gets is in its manifest; `ask` only with WITH_ASK=1.
 *
 *   cc -o embedder embedder.c $(pkg-config --cflags --libs ward-plugin)
 */
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <ward/plugin.h>

static long upper(void *at, const void *in, size_t in_len, void *out, size_t room)
{
	const unsigned char *const from = in;
	char *const to = out;

	(void)at;
	if (in_len > room)
		return -1;
	for (size_t i = 0; i < in_len; i++)
		to[i] = (char)toupper(from[i]);
	return (long)in_len;
}

/* This one stays at home, and says what it would have sent. */
static long ask(void *at, const void *in, size_t in_len, void *out, size_t room)
{
	(void)at;
	printf("ask: %zu bytes would leave this machine: %.*s\n", in_len, (int)in_len, (const char *)in);
	if (room < 2)
		return -1;
	memcpy(out, "ok", 2);
	return 2;
}

/* The text may be any bytes: a program that prints it has to clean it first. */
static void print_log(void *at, const char *plugin, int level, const void *text, size_t len)
{
	(void)at;
	(void)text;
	printf("log of %s, level %d: %zu bytes\n", plugin, level, len);
}

static const struct ward_plugin_function functions[] = {
	{ "upper", WARD_PLUGIN_PURE, upper, NULL },
	{ "ask", WARD_PLUGIN_NETWORK, ask, NULL },
};

int main(int argc, char **argv)
{
	struct ward_plugin_options options = {
		.ward = getenv("WARD"), /* NULL: /usr/bin/ward */
		.functions = functions,
		.n_functions = getenv("WITH_ASK") ? 2 : 1,
		.log = print_log,
	};
	struct ward_plugin_error error;
	struct ward_plugin *plugin;
	void *output = NULL;
	size_t len = 0;

	if (argc < 3) {
		fprintf(stderr, "usage: embedder MANIFEST STORE [FUNCTION [INPUT]]\n");
		return 2;
	}
	options.manifest = argv[1];
	options.store = argv[2];
	setvbuf(stdout, NULL, _IOLBF, 0);
	plugin = ward_plugin_open(&options, &error);
	if (plugin)
		ward_plugin_call(plugin, argc > 3 ? argv[3] : "run", argc > 4 ? argv[4] : "", argc > 4 ? strlen(argv[4]) : 0,
				 &output, &len, &error);
	if (error.end != WARD_PLUGIN_OK)
		fprintf(stderr, "embedder: %s\n", error.text);
	else
		printf("%.*s\n", (int)len, (const char *)output);
	free(output);
	ward_plugin_close(plugin);
	return error.end == WARD_PLUGIN_OK ? 0 : 1;
}
