/* A plug-in that counts how often each name was given to it. All that it can reach is declared here.
 *
 *   clang --target=wasm32 -O2 -nostdlib -Wl,--no-entry -o counter.wasm counter.c
 */
#define IMPORT(name) __attribute__((import_module("ward"), import_name(#name))) extern
#define EXPORT(name) __attribute__((export_name(#name)))

typedef unsigned int u32;
typedef unsigned long long u64;

/* level: 0 error, 1 warning, 2 info, 3 debug */
IMPORT(log) void ward_log(u32 level, const char *text, u32 len);
/* The length of the value, -1 when there is none; nothing is written when it is longer than the room. */
IMPORT(kv_get) int kv_get(const char *key, u32 key_len, void *to, u32 room);
/* 0; -2 too large, -3 over the quota. An empty value takes the key away. */
IMPORT(kv_put) int kv_put(const char *key, u32 key_len, const void *value, u32 len);

static char input[1024];

/* Where the host puts the input of a call; 0 is no room. */
EXPORT(alloc) char *alloc(u32 len)
{
	return len <= sizeof(input) ? input : 0;
}

static u64 output(const char *text, u32 len)
{
	return (u64)(unsigned long)text << 32 | len;
}

/* The number of a name, one higher each time. */
EXPORT(run) u64 run(const char *name, u32 len)
{
	static char digits[10];
	u32 count = 0, at = sizeof(digits);

	kv_get(name, len, &count, sizeof(count));
	count++;
	if (kv_put(name, len, &count, sizeof(count)) < 0) {
		ward_log(0, "that name is too long or one too many", 37);
		return 0;
	}
	for (u32 n = count; at && (n || at == sizeof(digits)); n /= 10)
		digits[--at] = (char)('0' + n % 10);
	return output(digits + at, sizeof(digits) - at);
}

/* Forgets a name. */
EXPORT(forget) u64 forget(const char *name, u32 len)
{
	kv_put(name, len, 0, 0);
	ward_log(2, name, len);
	return 0;
}
