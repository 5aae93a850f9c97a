/* Hands five files to a box by descriptor, and takes one from its standard output. */
#include "plugin/install.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/fd.h"
#include "plugin/box.h"
#include "plugin/compiled.h"
#include "plugin/glue.h"
#include "plugin/spawn.h"
#include "wasm/bare.h"

enum { CODE_REFUSED = 65, CODE_NO_TOOL = 66, CODE_LIMIT = 124 }; /* aot/compile.sh, cmd/command.h */
enum { MODULE, GLUE, FIRST_TEXT, RUNTIME = FIRST_TEXT + 2, FILES };

/* wasm-rt.h and module.h, in the order of their descriptors; the script is the last. */
static const struct text {
	const char *name, *text;
} texts[] = {
#define EMBED(name, text, digest) { name, text },
#include "aot.inc"
#undef EMBED
};
#define SCRIPT (ARRAY_SIZE(texts) - 1)

struct files {
	int fds[FILES];
};
static void files_done(struct files *files)
{
	for (size_t i = 0; i < FILES; i++)
		fd_close_at(&files->fds[i]);
}

static int open_files(const struct install *how, const uint8_t *bytes, size_t len, const struct wasm_module *says,
		      struct files *files, struct err *e)
{
	OWN(str) module = STR_NONE;
	OWN(str) glue = STR_NONE;

	if (bare_write(bytes, len, says, &module, e) < 0)
		return -1;
	glue_write(says, &glue);
	files->fds[MODULE] = spawn_text("ward-module", str_text(&module), module.len, e);
	if (files->fds[MODULE] >= 0)
		files->fds[GLUE] = spawn_text("ward-glue", str_text(&glue), glue.len, e);
	for (size_t i = 0; i < SCRIPT && files->fds[GLUE + i] >= 0; i++)
		files->fds[FIRST_TEXT + i] = spawn_text(texts[i].name, texts[i].text, strlen(texts[i].text), e);
	if (files->fds[RUNTIME - 1] < 0)
		return -1;
	files->fds[RUNTIME] = open(how->runtime, O_RDONLY | O_CLOEXEC);
	return files->fds[RUNTIME] < 0 ? err_sys(e, "%.200s", how->runtime) : 0;
}

static int run_box(const struct install *how, const struct files *files, int output, int errors, struct err *e)
{
	const char *const words[] = { "ward", "run", "-p", "-", "--widen", "--stdin", "/dev/null", "--pass-fd", "3", "--pass-fd", "4",
				      "--pass-fd", "5", "--pass-fd", "6", "--pass-fd", "7", "--", "/bin/sh", "-c", texts[SCRIPT].text, NULL };
	OWN(str) text = STR_NONE;
	pid_t pid;

	box_of_compiler(&text);
	OWN_FD int policy = spawn_text("ward-compile-policy", str_text(&text), text.len, e);
	struct spawn box = {
		.ward = how->ward, .words = words, .policy = policy, .output = output, .errors = errors, .n_pass = FILES,
	};

	memcpy(box.pass, files->fds, sizeof(files->fds));
	if (policy < 0 || spawn_ward(&box, &pid, e) < 0)
		return -1;
	const int status = spawn_wait(pid);

	return status >= 0 && WIFEXITED(status) ? WEXITSTATUS(status) : err_set(e, ERR_SYSTEM, "ward ended before the compiler");
}

static int explain(const struct install *how, int code, int errors, struct err *e)
{
	char words[240];

	spawn_last_words(errors, words, sizeof(words));
	if (code == CODE_REFUSED)
		return err_set(e, ERR_UNSUPPORTED, "wasm2c refuses the module: %s (threads, SIMD, exceptions, tail calls and memories of 64 "
			       "bits are not for it; %s may run it)", words, how->instead);
	if (code == CODE_NO_TOOL)
		return err_set(e, ERR_UNSUPPORTED, "%s", words);
	if (code == CODE_LIMIT)
		return err_set(e, ERR_LIMIT, "the module is too much to compile: 2 minutes of processor time, 2 GiB: %s", words);
	return err_set(e, ERR_SYSTEM, "it could not be compiled (exit %d): %s", code, words);
}

int install_make(const struct install *how, const uint8_t *module, size_t module_len, const struct wasm_module *says,
		 char **out, size_t *len, struct err *e)
{
	OWN(files) files = { { -1, -1, -1, -1, -1 } };
	OWN_FD int output = memfd_create("ward-program", MFD_CLOEXEC);
	OWN_FD int errors = memfd_create("ward-compile-errors", MFD_CLOEXEC);
	OWN_MEM char *bytes = NULL;

	if (output < 0 || errors < 0)
		return err_sys(e, "memfd_create");
	if (open_files(how, module, module_len, says, &files, e) < 0)
		return -1;
	const int code = run_box(how, &files, output, errors, e);

	if (code)
		return code < 0 ? -1 : explain(how, code, errors, e);
	if (lseek(output, 0, SEEK_SET) < 0 || fd_read_file(output, "the program", COMPILED_MOST, &bytes, len, e) < 0)
		return -1;
	if (*len < 4 || memcmp(bytes, "\177ELF", 4) != 0)
		return err_set(e, ERR_SYSTEM, "the compiler's box has given no program");
	*out = TAKE_PTR(bytes);
	return 0;
}
