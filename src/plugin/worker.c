/* Starts ward and takes nothing from it but its exit code and its last line. The descriptors that it gets are its
 * own: a socket, a policy and a place for errors; the embedder's others stay here. */
#include "plugin/worker.h"

#include <errno.h>
#include <inttypes.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/loop.h"
#include "base/str.h"

#define SOCKET_FD    3
#define ENGINE_BYTES (UINT64_C(192) << 20)      /* what the engine needs besides the module's memory */
#define SEND_US      10000000
#define LAST_WORDS   4096

/* What ward's own exit codes say: cmd/command.h. */
enum { EXIT_LIMIT = 124, EXIT_KILLED = 137 };

/* The memory of a fresh instance comes before that of the old one goes, and input, output and pairs are there
 * several times over. */
static uint64_t box_memory(const struct manifest *manifest)
{
	const uint64_t *const limits = manifest->limits;

	return ENGINE_BYTES + 2 * limits[PLUGIN_MEMORY] +
	       4 * (limits[PLUGIN_INPUT] + limits[PLUGIN_OUTPUT] + limits[PLUGIN_BYTES]) +
	       limits[PLUGIN_KEYS] * 2048;
}

/* The box's policy: an engine's process, a socket, and nothing of this host. Calls and files are the boundary's.
 * Speculation stays as it is: what the controls of the processor would keep a guest from reading is in its own process,
 * where nothing is but what it was given, and with them every host call takes twice as long. */
static int policy_fd(const struct manifest *manifest, struct err *e)
{
	OWN(str) text = STR_NONE;

	str_addf(&text, "version: 1\nname: %s\nboundary: wasm\nthreat: hostile\nfallback: [rlimits]\n"
		 "limits: {memory: %" PRIu64 ", pids: 1, files: 16, fsize: 0, stack: 8M, output: 64K, grace: 0ms}\nnetwork: none\n"
		 "proc: none\nterminal: none\nhardening: {spec: off}\nsyscalls: {default: kill, allow: [\"@startup\"]}\n", manifest->name,
		 box_memory(manifest));
	OWN_FD int fd = fd_sealed("ward-plugin-policy", str_text(&text), text.len, e);

	return fd >= 0 && lseek(fd, 0, SEEK_SET) < 0 ? err_sys(e, "lseek") : TAKE_FD(fd);
}

static int spawn(const char *ward, const struct manifest *manifest, int socket, int policy, int errors, pid_t *pid,
		 struct err *e)
{
	static char path[] = "PATH=/usr/bin:/bin", language[] = "LC_ALL=C.UTF-8";
	static char *const environment[] = { path, language, NULL };
	const char *const words[] = { "ward", "run", "-b", "wasm", "-p", "-", "--widen", "--stdin", "/dev/null", "--stdout",
				      "/dev/null", "--plugin", "--pass-fd", "3", "--", manifest->name, NULL };
	posix_spawn_file_actions_t files;
	posix_spawnattr_t how;
	sigset_t none, all;
	int rc;

	sigemptyset(&none);
	sigfillset(&all);
	posix_spawnattr_init(&how);
	/* A Ctrl-C at the embedder's terminal is the embedder's. */
	posix_spawnattr_setflags(&how, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETPGROUP);
	posix_spawnattr_setsigmask(&how, &none);
	posix_spawnattr_setsigdefault(&how, &all);
	posix_spawnattr_setpgroup(&how, 0);
	posix_spawn_file_actions_init(&files);
	rc = posix_spawn_file_actions_adddup2(&files, policy, STDIN_FILENO) ||
	     posix_spawn_file_actions_adddup2(&files, errors, STDERR_FILENO) ||
	     posix_spawn_file_actions_addopen(&files, STDOUT_FILENO, "/dev/null", O_WRONLY, 0) ||
	     posix_spawn_file_actions_adddup2(&files, socket, SOCKET_FD) ||
	     posix_spawn_file_actions_addclosefrom_np(&files, SOCKET_FD + 1);
	if (!rc) {
		char *argv[ARRAY_SIZE(words)];

		memcpy(argv, words, sizeof(words)); /* posix_spawn(3) does not write to them */
		rc = posix_spawn(pid, ward, &files, &how, argv, environment);
	} else {
		rc = ENOMEM;
	}
	posix_spawn_file_actions_destroy(&files);
	posix_spawnattr_destroy(&how);
	errno = rc;
	return rc ? err_sys(e, "%.200s", ward) : 0;
}

/* A descriptor above those that the child gets, so that no dup2 of it treads on another. */
static int lift(int *fd, struct err *e)
{
	const int higher = fcntl(*fd, F_DUPFD_CLOEXEC, 10);

	if (higher < 0)
		return err_sys(e, "dup");
	fd_close_at(fd);
	*fd = higher;
	return 0;
}

static int start_box(const char *ward, const struct manifest *manifest, struct worker *out, struct err *e)
{
	OWN_FD int policy = policy_fd(manifest, e);
	OWN_FD int errors = memfd_create("ward-plugin-errors", MFD_CLOEXEC);
	int ends[2] = { -1, -1 };

	if (policy < 0)
		return -1;
	if (errors < 0 || socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) < 0)
		return err_sys(e, "the worker's socket");
	OWN_FD int own = ends[0], other = ends[1];

	if (lift(&policy, e) < 0 || lift(&errors, e) < 0 || lift(&other, e) < 0 || fd_set_nonblock(own, e) < 0 ||
	    spawn(ward, manifest, other, policy, errors, &out->pid, e) < 0)
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

int worker_start(const char *ward, const struct manifest *manifest, const uint8_t *module, size_t len, struct worker *out,
		 struct err *e)
{
	struct worker worker = WORKER_NONE;

	worker.has_news = true;
	if (start_box(ward, manifest, &worker, e) < 0)
		return -1;
	if (send_hello(manifest, module, len, &worker, e) < 0) {
		(void)worker_post_mortem(&worker, e);
		worker_end(&worker);
		return -1;
	}
	*out = worker;
	return 0;
}

/* Waits for ward; its status, or -1 when the embedder has reaped it. */
static int reap(struct worker *worker)
{
	int status;

	for (;;) {
		if (waitpid(worker->pid, &status, 0) == worker->pid)
			break;
		if (errno != EINTR) {
			status = -1;
			break;
		}
	}
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

/* The last line, of ward or of the engine; err_set() cleans it. */
static void last_words(const struct worker *worker, char *out, size_t cap)
{
	char text[LAST_WORDS + 1];
	const off_t size = lseek(worker->errors_fd, 0, SEEK_END), from = size > LAST_WORDS ? size - LAST_WORDS : 0;
	ssize_t n = size > 0 ? pread(worker->errors_fd, text, LAST_WORDS, from) : 0;

	while (n > 0 && text[n - 1] == '\n')
		n--;
	text[n > 0 ? n : 0] = '\0';
	const char *const line = strrchr(text, '\n');
	snprintf(out, cap, "%.*s", (int)cap - 1, line ? line + 1 : text);
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
	last_words(worker, words, sizeof(words));
	const int code = status >= 0 && WIFEXITED(status) ? WEXITSTATUS(status) : -1;
	if (code == WIRE_STUCK)
		err_set(e, ERR_LIMIT, "limits.cpu was reached within one instruction, and its worker was ended");
	else
		err_set(e, ERR_SYSTEM, "its worker has ended (exit %d)%s%s", code, *words ? ": " : "", words);
	return code == EXIT_LIMIT || code == EXIT_KILLED || code == WIRE_STUCK;
}
