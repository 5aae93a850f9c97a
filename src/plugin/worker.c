/* Starts ward and takes nothing from it but its exit code and its last line. The descriptors that it gets are its
 * own: a socket, a policy and a place for errors; the embedder's others stay here. */
#include "plugin/worker.h"

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/wait.h>

#include "base/fd.h"
#include "base/loop.h"
#include "base/str.h"
#include "plugin/box.h"
#include "plugin/spawn.h"

#define SEND_US 10000000

/* What ward's own exit codes say: cmd/command.h. */
enum { EXIT_LIMIT = 124, EXIT_KILLED = 137 };

static int start_box(const char *ward, const struct manifest *manifest, const char *compiled, struct worker *out, struct err *e)
{
	const char *const engine[] = { "ward", "run", "-b", "wasm", "-p", "-", "--widen", "--stdin", "/dev/null", "--stdout", "/dev/null",
				       "--plugin", "--pass-fd", "3", "--", manifest->name, NULL };
	const char *const program[] = { "ward", "run", "-p", "-", "--widen", "--stdin", "/dev/null", "--stdout", "/dev/null",
					"--plugin", "--pass-fd", "3", "--", BOX_PROGRAM, "3", NULL };
	OWN(str) text = STR_NONE;
	int ends[2] = { -1, -1 };

	if (box_of_worker(manifest, compiled, &text, e) < 0)
		return -1;
	OWN_FD int policy = spawn_text("ward-plugin-policy", str_text(&text), text.len, e);
	OWN_FD int errors = memfd_create("ward-plugin-errors", MFD_CLOEXEC);

	if (policy < 0)
		return -1;
	if (errors < 0 || socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) < 0)
		return err_sys(e, "the worker's socket");
	OWN_FD int own = ends[0], other = ends[1];
	const struct spawn how = {
		.ward = ward, .words = compiled ? program : engine, .policy = policy, .output = -1, .errors = errors,
		.pass = { other }, .n_pass = 1,
	};

	if (fd_set_nonblock(own, e) < 0 || spawn_ward(&how, &out->pid, e) < 0)
		return -1;
	out->wire = (struct wire){ .fd = TAKE_FD(own) };
	out->errors_fd = TAKE_FD(errors);
	return 0;
}

static int send_hello(const struct manifest *manifest, const uint8_t *module, size_t len, struct worker *out, struct err *e)
{
	const uint64_t *const limits = manifest->limits;
	const struct wire_hello hello = {
		.memory_pages = limits[PLUGIN_MEMORY] / 65536, .cpu_us = limits[PLUGIN_CPU] * 1000,
		.calls = limits[PLUGIN_CALLS], .input = limits[PLUGIN_INPUT], .output = limits[PLUGIN_OUTPUT],
		.keys = limits[PLUGIN_KEYS], .bytes = limits[PLUGIN_BYTES], .value = limits[PLUGIN_VALUE],
		.log = limits[PLUGIN_LOG], .grants = manifest->grants, .fresh = manifest->fresh,
		.n_functions = (uint32_t)manifest->n_functions,
	};
	OWN(str) names = STR_NONE;
	struct wire_frame frame = { .kind = WIRE_HELLO, .len = { sizeof(hello), (uint32_t)len }, .part = { &hello, module } };

	for (size_t i = 0; i < manifest->n_functions; i++)
		str_add_bytes(&names, manifest->functions[i].name, strlen(manifest->functions[i].name) + 1);
	frame.len[2] = (uint32_t)names.len;
	frame.part[2] = str_text(&names);
	return wire_send(&out->wire, &frame, loop_now_us() + SEND_US, e);
}

int worker_start(const char *ward, const struct manifest *manifest, const struct worker_code *code, struct worker *out,
		 struct err *e)
{
	struct worker worker = WORKER_NONE;

	worker.has_news = true;
	if (start_box(ward, manifest, code->compiled, &worker, e) < 0)
		return -1;
	if (send_hello(manifest, code->module, code->compiled ? 0 : code->len, &worker, e) < 0) {
		(void)worker_post_mortem(&worker, e);
		worker_end(&worker);
		return -1;
	}
	*out = worker;
	return 0;
}

static int reap(struct worker *worker)
{
	const int status = spawn_wait(worker->pid);

	worker->pid = 0;
	return status;
}

void worker_end(struct worker *worker)
{
	/* The keeper ends the box when ward is gone, whatever the worker does. */
	if (worker->pid) {
		kill(worker->pid, SIGKILL);
		(void)reap(worker);
	}
	wire_done(&worker->wire);
	fd_close_at(&worker->errors_fd);
	*worker = WORKER_NONE;
}

bool worker_post_mortem(struct worker *worker, struct err *e)
{
	const bool was_late = e->kind == ERR_LIMIT, is_gone = e->kind == ERR_SYSTEM && e->sys == EPIPE;
	char words[280];
	int status;

	/* Who spoke nonsense or is late is ended; who is gone has a reason. */
	if (!is_gone && worker->pid)
		kill(worker->pid, SIGKILL);
	status = worker->pid ? reap(worker) : -1;
	if (!is_gone)
		return was_late;
	spawn_last_words(worker->errors_fd, words, sizeof(words));
	const int code = status >= 0 && WIFEXITED(status) ? WEXITSTATUS(status) : -1;
	if (code == WIRE_STUCK)
		err_set(e, ERR_LIMIT, "limits.cpu was reached within one instruction, and its worker was ended");
	else
		err_set(e, ERR_SYSTEM, "its worker has ended (exit %d)%s%s", code, *words ? ": " : "", words);
	return code == EXIT_LIMIT || code == EXIT_KILLED || code == WIRE_STUCK;
}
