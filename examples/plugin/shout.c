/* A plug-in that uses functions of its embedder's: `upper`, and with -DTELL `ask`, by which its input leaves.
 *
 *   clang --target=wasm32 -O2 -nostdlib -Wl,--no-entry -o shout.wasm shout.c
 */
#define EMBEDDER(name) __attribute__((import_module("embedder"), import_name(#name))) extern
#define EXPORT(name) __attribute__((export_name(#name)))

/* What every function of an embedder looks like: the length of what it wrote, or -1. */
EMBEDDER(upper) int upper(const char *in, unsigned in_len, char *out, unsigned room);
#ifdef TELL
EMBEDDER(ask) int ask(const char *in, unsigned in_len, char *out, unsigned room);
#endif

static char input[1024], output[1024];

EXPORT(alloc) char *alloc(unsigned len)
{
	return len <= sizeof(input) ? input : 0;
}

EXPORT(run) unsigned long long run(const char *text, unsigned len)
{
	const int n = upper(text, len, output, sizeof(output));

#ifdef TELL
	ask(text, len, input, sizeof(input));
#endif
	return n < 0 ? 0 : (unsigned long long)(unsigned long)output << 32 | (unsigned)n;
}
