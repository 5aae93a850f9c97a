/* One way into every small document: strict, with the place of what is wrong. */
#include "api/body.h"

bool body_read(struct request *request, const struct field *fields, size_t n, void *into)
{
	const struct pointer whole = { .up = NULL };
	struct job_fault fault;
	struct reading r = { &request->arena, &fault };
	json_t *const root = request->body.len ? fields_parse(&r, str_text(&request->body), request->body.len, JOB_VALUES) : json_object();
	const bool is_fine = root && fields_read(&r, &whole, root, fields, n, into) == 0;

	json_decref(root);
	if (!is_fine)
		request_fail(request, fault.code, fault.field, "%s", fault.detail);
	return is_fine;
}
