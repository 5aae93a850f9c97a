#include "api/holder.h"

#include <string.h>

#include "api/login.h"

struct holder holder_of(const struct request *request)
{
	struct holder holder = { .session = request->session, .is_session = request->is_session };

	memcpy(holder.public, request->key.public, sizeof(holder.public));
	return holder;
}

static bool key_holds(struct front *front, const char *public)
{
	OWN(arena) arena = { .total = 0 };
	struct err ignored = ERR_INIT;
	struct store_tenant tenant;
	struct store_key key;
	int found = store_key_get(front->store, public, &arena, &key, &ignored);

	if (found == 1)
		found = store_tenant_get(front->store, key.tenant, &arena, &tenant, &ignored);
	return found < 0 || (found == 1 && (!tenant.is_suspended || key.scopes & STORE_ADMIN_OPERATOR));
}

void holder_end_waits(struct front *front)
{
	struct holder_answer last = { .holds = false };
	struct request *next;

	for (struct request *r = front->waiting; r; r = next) {
		const struct holder holder = holder_of(r);

		next = r->next_waiting;
		if (!holder_holds(front, &holder, &last))
			request_fail(r, "unauthenticated", NULL, "the key, or the session, that asked has ended meanwhile");
	}
}

bool holder_holds(struct front *front, const struct holder *holder, struct holder_answer *last)
{
	if (strcmp(last->public, holder->public) != 0) {
		memcpy(last->public, holder->public, sizeof(last->public));
		last->holds = key_holds(front, holder->public);
	}
	return last->holds && (!holder->is_session || login_holds(front, &holder->session));
}
