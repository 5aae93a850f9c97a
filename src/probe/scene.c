/* Reads the arguments that describe the markers. Opens nothing. */
#include "probe/scene.h"
#include "probe/way.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define TEXT(name)                                                                                 \
	{                                                                                          \
#name, offsetof(struct scene, name), false                                         \
	}
#define NUMBER(name)                                                                               \
	{                                                                                          \
#name, offsetof(struct scene, name), true                                          \
	}

static const struct {
	const char *name;
	size_t at;
	bool is_number;
} fields[] = {
	TEXT(token),      TEXT(secret_dir),     TEXT(secret),       TEXT(tool),
	TEXT(abstract),   TEXT(socket),         TEXT(queue),        TEXT(shm_file),
	TEXT(host_name),  TEXT(self),           TEXT(scratch),      TEXT(readable),
	TEXT(program),    TEXT(suid),           TEXT(filecap),      NUMBER(tcp),
	NUMBER(udp),      NUMBER(shm),          NUMBER(sem),        NUMBER(msg),
	NUMBER(host_pid), NUMBER(host_session), NUMBER(host_group), NUMBER(host_tty),
	NUMBER(uptime_s), NUMBER(memory),       NUMBER(pids),       NUMBER(cpu_ms),
	NUMBER(disk),     NUMBER(inodes),       NUMBER(files),      NUMBER(fsize),
	NUMBER(passed),
};

static bool set_field(struct scene *scene, size_t at, bool is_number, const char *value)
{
	char *const field = (char *)scene + at;
	char *end = NULL;

	if (!is_number) {
		memcpy(field, &value, sizeof(value));
		return *value != '\0';
	}
	errno = 0;
	const int64_t n = strtoll(value, &end, 10);
	memcpy(field, &n, sizeof(n));
	return !errno && end != value && !*end;
}

bool scene_set(struct scene *scene, const char *argument)
{
	const char *const equals = strchr(argument, '=');

	if (!equals)
		return false;
	const size_t len = (size_t)(equals - argument);
	for (size_t i = 0; i < sizeof(fields) / sizeof(fields[0]); i++)
		if (strlen(fields[i].name) == len && !memcmp(fields[i].name, argument, len))
			return set_field(scene, fields[i].at, fields[i].is_number, equals + 1);
	return false;
}

pid_t scene_first(const struct scene *scene)
{
	return scene->first ? scene->first : getpid();
}

pid_t scene_parent(const struct scene *scene)
{
	return scene->first ? scene->parent : way_parent();
}

uint64_t scene_inherited(const struct scene *scene)
{
	uint64_t open_fds = 0;

	for (int fd = 3; fd < 64; fd++)
		if (fcntl(fd, F_GETFD) >= 0)
			open_fds |= UINT64_C(1) << fd;
	return open_fds & ~(uint64_t)scene->passed;
}

const char *scene_file(const struct scene *scene, const char *name, char *out, size_t cap)
{
	if (!scene->scratch)
		return NULL;
	const int len = snprintf(out, cap, "%s/ward-probe-%s-%s", scene->scratch, name,
				 scene->token ? scene->token : "x");

	return len > 0 && (size_t)len < cap ? out : NULL;
}
