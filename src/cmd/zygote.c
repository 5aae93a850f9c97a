/* Starts a zygote under a policy. Runs nothing itself. */
#include "cmd/zygote.h"

#include <unistd.h>

#include "base/fd.h"
#include "cmd/fit.h"
#include "cmd/openings.h"

static int launch_fit(const struct zygote_launch *launch, const struct fit *fit, int control_fd, struct isolates **out,
		      struct err *e)
{
	OWN(openings) openings = OPENINGS_NONE;

	if (openings_open(&fit->rung, &openings, e) < 0) {
		close(control_fd);
		return -1;
	}
	const struct isolates_setup setup = {
		.plan = fit->plan,
		.fds = openings.fds,
		.n_fds = openings.n,
		.monitor = launch->socket,
		.control_fd = control_fd,
		.parked = launch->parked,
		.park_limits = launch->park_limits,
		.ended = launch->ended,
		.at = launch->at,
	};
	return isolates_start(&setup, out, e);
}

int zygote_launch(const struct zygote_launch *launch, struct isolates **out, struct err *e)
{
	static const char *const argv[] = { "zygote", NULL }, *const envp[] = { NULL };
	struct policy policy = *launch->policy;
	OWN(fit) fit = FIT_NONE;
	OWN_FD int ours = -1;
	OWN_FD int theirs = -1;
	int ends[2];

	if (isolates_pair(ends, e) < 0)
		return -1;
	ours = ends[0];
	theirs = ends[1];
	const struct payload payload = {
		.argv = argv, .envp = envp, .pass_numbers = &theirs, .n_pass = 1, .guest = GUEST_ZYGOTE,
		.program_path = launch->module, .serves = launch->serves && !launch->wasm,
	};
	policy.values[KEY_BOUNDARY] = (struct policy_value){ .set = true, .n = launch->wasm ? BOUNDARY_WASM : BOUNDARY_JS };
	if (fit_make(&policy, &payload, launch->host, &fit, e) < 0)
		return -1;
	return launch_fit(launch, &fit, TAKE_FD(ours), out, e);
}
