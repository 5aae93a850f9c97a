/* The way of `ward run`, without its options: fit, openings, run_box. */
#include "cmd/launch.h"

#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/fd.h"
#include "cmd/environment.h"
#include "cmd/fit.h"
#include "cmd/openings.h"
#include "engine/run.h"

/* A terminal ends its lines in CR LF. */
static void add_lines(struct str *output, const char *bytes, size_t n)
{
	for (size_t at = 0; at < n;) {
		const char *const cr = memchr(bytes + at, '\r', n - at);
		const size_t end = cr ? (size_t)(cr - bytes) : n;

		str_add_bytes(output, bytes + at, end - at);
		at = end + 1;
	}
}

static int read_back(int fd, struct str *output, struct err *e)
{
	char bytes[65536];
	size_t left = LAUNCH_OUTPUT;
	ssize_t n = 0;

	if (lseek(fd, 0, SEEK_SET) < 0)
		return err_sys(e, "read the box's output");
	while (left && (n = read(fd, bytes, left < sizeof(bytes) ? left : sizeof(bytes))) > 0) {
		add_lines(output, bytes, (size_t)n);
		left -= (size_t)n;
	}
	return n < 0 ? err_sys(e, "read the box's output") : 0;
}

int launch_box(const struct launch *launch, struct str *output, struct result *result,
	       struct err *e)
{
	OWN(arena) arena = { .blocks = NULL };
	OWN(fit) fit = FIT_NONE;
	OWN(openings) openings = OPENINGS_NONE;
	OWN_FD int out_fd = memfd_create("ward-output", MFD_CLOEXEC);
	const struct payload payload = {
		.argv = launch->argv,
		.envp = environment_make(launch->policy, environ, launch->pty, &arena),
		.pass_numbers = launch->policy->pass_fds,
		.n_pass = launch->policy->n_pass,
		.pty = launch->pty,
		.in_kernels_place = launch->in_kernels_place,
		.in_place = launch->without == LAYER_MOUNTNS || launch->without == LAYER_ROOTFS,
	};

	if (out_fd < 0)
		return err_sys(e, "memfd_create");
	if (fit_make(launch->policy, &payload, launch->host, &fit, e) < 0)
		return -1;
	if (launch->without != LAYERS && plan_without(fit.plan, launch->without, e) < 0)
		return -1;
	if (openings_open(&fit.rung, &openings, e) < 0)
		return -1;
	const struct run_request request = {
		.policy = launch->policy,
		.filter = &fit.rung.filter,
		.plan = fit.plan,
		.fds = openings.fds,
		.n_fds = openings.n,
		.monitor_socket = launch->socket,
		.pty = launch->pty,
		.in_fd = -1,
		.out_fd = out_fd,
		.err_fd = -1,
		.status_fd = -1,
	};

	*result = (struct result){ .exit_code = -1 };
	run_box(&request, result);
	result->boundary = fit.boundary->name;
	result->notes |= fit.rung.notes;
	return read_back(out_fd, output, e);
}
