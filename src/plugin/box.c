/* Policies in the words that users write. Speculation stays as it is in the box of a worker: what the controls of the
 * processor would keep a guest from reading is in its own process, where nothing is but what it was given, and with them
 * every host call takes twice as long. */
#include "plugin/box.h"

#include <inttypes.h>
#include <string.h>

#define ENGINE_BYTES   (UINT64_C(192) << 20)    /* what an engine needs besides the module's memory */
#define COMPILED_BYTES (UINT64_C(48) << 20)     /* and a program that was compiled: tables of functions */

/* What a static program calls until it is sealed; its list for later is compiled_calls.def. */
static const char start_calls[] = "execve, arch_prctl, set_tid_address, set_robust_list, rseq, prlimit64, readlink, readlinkat, "
				  "newfstatat, fstat, prctl, seccomp, sigaltstack, landlock_create_ruleset, landlock_restrict_self, close";

/* The memory of a fresh instance comes before that of the old one goes, and input, output and pairs are there
 * several times over. */
static uint64_t memory_of(const struct manifest *manifest, uint64_t engine)
{
	const uint64_t *const limits = manifest->limits;

	return engine + 2 * limits[PLUGIN_MEMORY] + 4 * (limits[PLUGIN_INPUT] + limits[PLUGIN_OUTPUT] + limits[PLUGIN_BYTES]) +
	       limits[PLUGIN_KEYS] * 2048;
}

static void add_limits(const struct manifest *manifest, const char *boundary, uint64_t engine, struct str *out)
{
	str_addf(out, "version: 1\nname: %s\nboundary: %s\nthreat: hostile\nfallback: [rlimits]\n"
		 "limits: {memory: %" PRIu64 ", pids: 1, files: 16, fsize: 0, stack: 8M, output: 64K, grace: 0ms}\nnetwork: none\n"
		 "proc: none\nterminal: none\n", manifest->name, boundary, memory_of(manifest, engine));
}

/* In a text between quotes; the rest of a path is as it is. */
static bool can_be_quoted(const char *path)
{
	for (; *path; path++)
		if ((unsigned char)*path < ' ' || *path == '"' || *path == '\\' || *path == 127)
			return false;
	return true;
}

static void add_compiled_calls(struct str *out)
{
	str_addf(out, "hardening: {spec: off, mdwe: true}\nsyscalls:\n  default: kill\n  allow: [%s", start_calls);
#define CALL(name) str_add(out, ", " #name);
#include "plugin/compiled_calls.def"
#undef CALL
	/* Nothing with PROT_EXEC, 4; and of the kinds of memory MAP_PRIVATE, 2, alone, not MAP_GROWSDOWN: RLIMIT_DATA, which
	 * is the limit where there is no cgroup, counts no other. */
	str_add(out, "]\n  rules:\n    - call: mprotect\n      when: {arg2: {mask: 0x4, is: 0}}\n"
		"    - call: mmap\n      when: {arg2: {mask: 0x4, is: 0}, arg3: {mask: 0x10f, is: 0x2}}\n");
}

int box_of_worker(const struct manifest *manifest, const char *compiled, struct str *out, struct err *e)
{
	if (!compiled) {
		add_limits(manifest, "wasm", ENGINE_BYTES, out);
		str_add(out, "hardening: {spec: off}\nsyscalls: {default: kill, allow: [\"@startup\"]}\n");
		return 0;
	}
	if (*compiled != '/' || !can_be_quoted(compiled))
		return err_set(e, ERR_UNSUPPORTED, "%.200s: a path from the root without quotes and control bytes is wanted", compiled);
	add_limits(manifest, "container", COMPILED_BYTES, out);
	str_addf(out, "files:\n  - exec: \"%s\"\n    as: " BOX_PROGRAM "\n", compiled);
	add_compiled_calls(out);
	return 0;
}

void box_of_compiler(struct str *out)
{
	str_add(out, "version: 1\nname: compile\nboundary: container\nthreat: hostile\nfallback: [rlimits]\n"
		"limits: {cpu: 2m, wall: 5m, memory: 2G, pids: 32, files: 64, fsize: 256M, output: 64M, grace: 0ms}\n"
		"network: none\nfiles:\n  - read: host\n  - scratch: /work\n    size: 512M\ncwd: /work\nproc: none\nterminal: none\n"
		"env: {set: {PATH: \"/usr/bin:/bin\", LC_ALL: C}}\nsyscalls: {default: errno, allow: [\"@default\"]}\n");
}
