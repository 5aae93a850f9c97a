/* What this service is and has: health, runtimes, boundaries, the description of the API. */
#include <string.h>
#include <sys/statvfs.h>

#include "api/handlers.h"
#include "api/openapi.h"
#include "api/request.h"
#include "serve/dispatch.h"

#define DISK_LEAST ((uint64_t)16 << 20) /* a job's rows, and what it writes that has a file */

/* -- health: for who has no key, so it says as little as it can -- */

static void tell_health(struct request *request, const char *missing)
{
	struct json json = JSON_NONE;

	json_put_object(&json, NULL);
	json_put_text(&json, "status", missing ? "unavailable" : "ok");
	if (missing)
		json_put_text(&json, "missing", missing);
	json_put_end(&json);
	request_json(request, missing ? MHD_HTTP_SERVICE_UNAVAILABLE : MHD_HTTP_OK, &json);
	if (missing)
		request_header(request, "Retry-After", "1");
}

void api_health_live(struct request *request)
{
	tell_health(request, NULL);
}

static bool has_disk(const struct front *front)
{
	struct statvfs disk;

	return fstatvfs(front->state_fd, &disk) < 0 || disk.f_bavail * disk.f_frsize >= DISK_LEAST;
}

/* What the next job would fail or wait for; NULL: nothing that is known. */
static const char *find_missing(const struct front *front)
{
	struct store_usage usage;
	struct err e = ERR_INIT;

	if (store_usage_get(front->store, 0, &usage, &e) < 0)
		return "store";
	if (!has_disk(front))
		return "disk";
	return dispatch_missing(front->dispatch);
}

void api_health_ready(struct request *request)
{
	tell_health(request, find_missing(request->front));
}

void api_openapi_get(struct request *request)
{
	request_text(request, MHD_HTTP_OK, "application/json", request->front->openapi, request->front->openapi_len);
}

/* -- runtimes: classes with the same name, one after the other -- */

static const struct order_class *class_at(const struct request *request, size_t i)
{
	return dispatch_class(request->front->dispatch, i);
}

static void put_limit(struct json *json, const char *key, uint64_t n)
{
	if (n)
		json_put_u64(json, key, n);
}

static void put_class(struct json *json, const struct order_class *class)
{
	json_put_object(json, NULL);
	json_put_text(json, "boundary", class->boundary);
	json_put_bool(json, "available", !*class->why);
	if (*class->why)
		json_put_text(json, "why", class->why);
	json_put_text(json, "image", class->image);
	json_put_bool(json, "holds_hostile_code", class->hostile_ok);
	json_put_object(json, "limits");
	put_limit(json, "wall_ms", class->wall_ms);
	put_limit(json, "cpu_ms", class->cpu_ms);
	put_limit(json, "mem_bytes", class->limits.memory_bytes);
	put_limit(json, "pids", class->limits.pids);
	put_limit(json, "disk_bytes", class->limits.disk_bytes);
	json_put_end(json);
	json_put_object(json, "ceilings");
	put_limit(json, "wall_ms", class->wall_max_ms);
	put_limit(json, "cpu_ms", class->cpu_max_ms);
	put_limit(json, "mem_bytes", class->memory_max_bytes);
	put_limit(json, "pids", class->pids_max);
	put_limit(json, "disk_bytes", class->disk_max_bytes);
	json_put_end(json);
	json_put_end(json);
}

static bool is_first(const struct request *request, size_t at)
{
	const struct order_class *const class = class_at(request, at);

	for (size_t i = 0; i < at; i++)
		if (!strcmp(class_at(request, i)->runtime, class->runtime))
			return false;
	return true;
}

void api_runtime_list(struct request *request)
{
	struct json json = JSON_NONE;
	const struct order_class *class, *other;

	json_put_object(&json, NULL);
	json_put_array(&json, "runtimes");
	for (size_t i = 0; (class = class_at(request, i)); i++) {
		bool available = false;

		if (!is_first(request, i))
			continue;
		json_put_object(&json, NULL);
		json_put_text(&json, "name", class->runtime);
		json_put_text(&json, "version", class->version);
		json_put_array(&json, "boundaries");
		for (size_t k = i; (other = class_at(request, k)); k++)
			if (!strcmp(other->runtime, class->runtime)) {
				put_class(&json, other);
				available |= !*other->why;
			}
		json_put_end(&json);
		json_put_bool(&json, "available", available);
		json_put_end(&json);
	}
	json_put_end(&json);
	json_put_end(&json);
	request_json(request, MHD_HTTP_OK, &json);
}

/* -- boundaries: what works for some runtime works; else the first reason -- */

static void put_boundary(struct request *request, struct json *json, const char *name)
{
	const struct order_class *class;
	const char *why = "no runtime of this service has this boundary";
	bool available = false, hostile = false;

	for (size_t i = 0; (class = class_at(request, i)); i++) {
		if (strcmp(class->boundary, name))
			continue;
		available |= !*class->why;
		hostile |= class->hostile_ok;
		if (*class->why)
			why = class->why;
	}
	json_put_object(json, NULL);
	json_put_text(json, "name", name);
	json_put_bool(json, "available", available);
	json_put_bool(json, "holds_hostile_code", available && hostile);
	if (!available)
		json_put_text(json, "why", why);
	json_put_end(json);
}

void api_boundary_list(struct request *request)
{
	struct json json = JSON_NONE;

	json_put_object(&json, NULL);
	json_put_array(&json, "boundaries");
	for (unsigned b = JOB_AUTO + 1; b < JOB_BOUNDARIES; b++)
		put_boundary(request, &json, job_boundary_name((enum job_boundary)b));
	json_put_end(&json);
	json_put_end(&json);
	request_json(request, MHD_HTTP_OK, &json);
}
