/* Which tenant a request is about, where it may be about another's. */
#pragma once

#include "api/request.h"

/* The request's own tenant, or for an operator the one that ?tenant=NAME names. False: answered. What others may not
 * see is not there for them. */
bool tenant_asked(struct request *request, struct store_tenant *out);

/* For what is told of all together as well: 0 for an operator who names nobody. False: answered. */
bool tenant_scope(struct request *request, uint64_t *out);

/* Its name, as "tenant"; nothing when it is not there any more. */
void tenant_put_name(struct json *json, struct front *front, uint64_t id);

/* One line of the audit chain of a tenant: who, what, on what. */
void tenant_audit(struct request *request, uint64_t tenant, const char *action, const char *subject);
