/* Makes what the service cannot be used without. A key is shown here and nowhere else: on standard output, which is the
 * terminal of whoever started `ward serve`, or in a file of the state directory, where that would be somebody's log. */
#include "api/first.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>
#include <unistd.h>

#include "base/fd.h"
#include "store/store_tenant.h"

#define CURSOR_FILE "cursor.key"

struct answer {
	struct err err;
	uint64_t number;
	bool is_there;
};

static void done(void *at, const struct store_answer *answer)
{
	struct answer *const out = at;

	out->err = answer->err;
	out->number = answer->n_items ? answer->items[0].number : 0;
	out->is_there = true;
}

/* Before the loop: the only place that waits for the store. */
static int wait_for(struct front *front, struct answer *answer, struct err *e)
{
	struct pollfd ready = { .fd = store_fd(front->store), .events = POLLIN };

	while (!answer->is_there) {
		if (poll(&ready, 1, -1) < 0 && errno != EINTR)
			return err_sys(e, "wait for the store");
		store_turn(front->store);
	}
	if (answer->err.kind == ERR_NONE)
		return 0;
	*e = answer->err;
	return -1;
}

static int make_tenant(struct front *front, const char *name, enum store_threat threat, uint64_t *id, struct err *e)
{
	const struct store_tenant tenant = { .name = name, .weight = 100, .threat = threat, .boundary_min = "" };
	struct answer answer = { .is_there = false };

	store_tenant_put(front->store, &tenant, done, &answer);
	if (wait_for(front, &answer, e) < 0)
		return -1;
	*id = answer.number;
	return 0;
}

static int make_key(struct front *front, uint64_t tenant, uint32_t scopes, const char *says, int out, struct err *e)
{
	struct store_key key = { .tenant = tenant, .name = "first", .scopes = scopes, .created_ms = loop_wall_ms() };
	struct answer answer = { .is_there = false };
	char text[STORE_KEY_TEXT];
	int status = 0;

	if (store_key_make(text, key.public, e) < 0)
		return -1;
	/* Shown before it is kept: one that is kept and was not shown would be the last, and nobody's. */
	if (dprintf(out, "%s\n  %s\n", says, text) < 0)
		status = err_sys(e, "write the keys");
	if (status == 0) {
		store_key_put(front->store, &key, text, done, &answer);
		status = wait_for(front, &answer, e);
	}
	explicit_bzero(text, sizeof(text));
	return status;
}

/* Where the keys go; standard output is not closed by its owner. */
static int open_keys(struct front *front, struct err *e)
{
	const char *const name = front->options.first_keys;
	int fd;

	if (!name)
		return fcntl(STDOUT_FILENO, F_DUPFD_CLOEXEC, 3);
	if (strchr(name, '/') || !*name || *name == '.')
		return err_set(e, ERR_USAGE, "--first-keys takes a name in the state directory, no path");
	fd = openat(front->state_fd, name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	return fd < 0 ? err_sys(e, "--first-keys %.60s", name) : fd;
}

static int give_key(struct front *front, uint64_t tenant, uint32_t scopes, const char *says, int *out, struct err *e)
{
	OWN(arena) arena = { .total = 0 };
	struct store_key *keys;
	size_t n;

	if (store_key_list(front->store, tenant, &arena, &keys, &n, e) < 0)
		return -1;
	if (n)
		return 0;
	if (*out < 0)
		*out = open_keys(front, e);
	return *out < 0 ? -1 : make_key(front, tenant, scopes, says, *out, e);
}

/* A start that was cut short is gone on with: whoever has no key cannot ask for one. */
int first_start(struct front *front, struct err *e)
{
	/* One's own machine and one's own code, until somebody says otherwise: PATCH /v1/tenants/default. */
	static const struct {
		const char *name, *says;
		uint32_t scopes;
	} first[] = {
		{ "operator", "Key of the operator (tenants, keys, quotas); it is shown this once:", STORE_ADMIN_OPERATOR | STORE_METRICS },
		{ "default", "Key of the tenant \"default\" (jobs); it is shown this once:",
		  STORE_JOBS_WRITE | STORE_JOBS_READ | STORE_ADMIN_TENANT },
	};
	struct store_tenant *tenants;
	OWN(arena) arena = { .total = 0 };
	OWN_FD int out = -1;
	size_t n = 0;

	/* They are the two oldest, by whatever name now. */
	if (store_tenant_list(front->store, 0, ARRAY_SIZE(first) + 1, &arena, &tenants, &n, e) < 0)
		return -1;
	for (size_t i = 0; i < ARRAY_SIZE(first) && n <= ARRAY_SIZE(first); i++) {
		uint64_t id = i < n ? tenants[i].id : 0;

		if ((!id && make_tenant(front, first[i].name, STORE_OWN, &id, e) < 0) ||
		    give_key(front, id, first[i].scopes, first[i].says, &out, e) < 0)
			return -1;
	}
	if (out >= 0 && front->options.first_keys)
		log_say(&front->log, "info", "first_keys", "the keys are in the state directory: read them, then remove the file");
	return 0;
}

int first_cursor_key(struct front *front, struct err *e)
{
	OWN_FD int fd = openat(front->state_fd, CURSOR_FILE, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	const ssize_t n = fd < 0 ? -1 : pread(fd, front->cursor_key, HMAC_KEY, 0);

	if (n < 0)
		return err_sys(e, CURSOR_FILE);
	if (n == HMAC_KEY)
		return 0;
	if (getrandom(front->cursor_key, HMAC_KEY, 0) != HMAC_KEY)
		return err_sys(e, "getrandom");
	return fd_write_all(fd, front->cursor_key, HMAC_KEY, e);
}
