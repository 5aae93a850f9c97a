/* api/route: which handler a request means, and that the document says the same. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <jansson.h>

#include "api/openapi.h"
#include "api/route.h"

static const struct {
	const char *method, *path, *name, *part;        /* name NULL: none */
	int found;
} rows[] = {
	{ "GET", "/v1/jobs", "job_list", NULL, 1 },
	{ "HEAD", "/v1/jobs", "job_list", NULL, 1 },
	{ "POST", "/v1/jobs", "job_create", NULL, 1 },
	{ "POST", "/v1/jobs:batch", "job_batch", NULL, 1 },
	{ "GET", "/v1/jobs/abc", "job_get", "abc", 1 },
	{ "GET", "/v1/jobs/a%2Fb", "job_get", "a/b", 1 },
	{ "GET", "/v1/jobs/abc/events", "event_stream", "abc", 1 },
	{ "GET", "/v1/jobs/abc/artifacts/out/x.png", "artifact_get", "abc", 1 },
	{ "PUT", "/v1/jobs", NULL, NULL, -1 },
	{ "BREW", "/v1/jobs", NULL, NULL, -1 },
	{ "GET", "/v1/jobs/", NULL, NULL, 0 },
	{ "GET", "/v1/jobs/abc/", NULL, NULL, 0 },
	{ "GET", "/v1/jobs/abc/artifacts/", NULL, NULL, 0 },
	{ "GET", "//v1/jobs", NULL, NULL, 0 },
	{ "GET", "/v1/%6aobs", NULL, NULL, 0 },
	{ "GET", "/V1/jobs", NULL, NULL, 0 },
	{ "GET", "", NULL, NULL, 0 },
	{ "GET", "/v1/jobs/%00", NULL, NULL, -2 },
	{ "GET", "/v1/jobs/%ff", NULL, NULL, -2 },
	{ "GET", "/v1/jobs/%", NULL, NULL, -2 },
};

static void a_path_means_one_handler_or_none(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		OWN(arena) arena = { .total = 0 };
		const char *parts[ROUTE_PARTS] = { NULL };
		const struct route *route = NULL;
		unsigned allowed;
		const int found = route_find(route_method_find(rows[i].method), rows[i].path, &arena, &route, parts, &allowed);

		if (found != rows[i].found || (found == 1 && strcmp(route->name, rows[i].name)))
			fail_msg("%s %s: %d %s", rows[i].method, rows[i].path, found, route ? route->name : "-");
		if (rows[i].part)
			assert_string_equal(parts[0], rows[i].part);
		assert_true(found != -1 || allowed);
	}
}

static void a_parameter_is_one_of_the_routes_own(void **state)
{
	const struct route *list = NULL;

	(void)state;
	for (size_t i = 0; route_at(i); i++)
		if (!strcmp(route_at(i)->name, "job_list"))
			list = route_at(i);
	assert_true(route_has_query(list, "state"));
	assert_true(route_has_query(list, "label.course"));
	assert_false(route_has_query(list, "label."));
	assert_false(route_has_query(list, "label"));
	assert_false(route_has_query(list, "stat"));
	assert_false(route_has_query(list, "states"));
	assert_false(route_has_query(list, ""));
}

static void only_health_and_the_pages_files_are_for_everybody(void **state)
{
	(void)state;
	for (size_t i = 0; route_at(i); i++)
		assert_int_equal(route_at(i)->scope == ROUTE_PUBLIC, !strncmp(route_at(i)->name, "health_", 7) || !strncmp(route_at(i)->name, "page_", 5));
}

static void the_document_has_every_route_and_no_other(void **state)
{
	size_t len, n = 0, routes = 0;
	char *const text = openapi_write(&len);
	json_error_t error;
	json_t *const document = json_loadb(text, len, JSON_REJECT_DUPLICATES, &error);
	const char *path;
	json_t *methods;

	(void)state;
	assert_non_null(document);
	json_object_foreach (json_object_get(document, "paths"), path, methods)
		n += json_object_size(methods);
	while (route_at(routes))
		routes++;
	assert_int_equal(n, routes);
	json_decref(document);
	free(text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_path_means_one_handler_or_none),
		cmocka_unit_test(a_parameter_is_one_of_the_routes_own),
		cmocka_unit_test(only_health_and_the_pages_files_are_for_everybody),
		cmocka_unit_test(the_document_has_every_route_and_no_other),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
