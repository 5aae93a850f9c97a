/* From arguments to paths and addresses. Refuses to follow a pointer further than its type says, and to
 * call anything known that it could not read. */
#include "engine/touch.h"

#include <arpa/inet.h>
#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#include "base/clean.h"
#include "base/mem.h"
#include "engine/peek.h"

enum {
#define CALL(name, number, heat, args) NR_##name = number,
#include "model/syscalls.def"
#undef CALL
};

#define CWD (-1)
#define OPEN(arg) 0x100 | (arg)
#define OPEN_HOW 0x200
static const struct row {
	uint16_t nr;
	int8_t directory, path;
	uint16_t access;
} rows[] = {
#define TOUCH(call, directory, path, access) { NR_##call, directory, path, access },
#include "engine/touch.def"
#undef TOUCH
};

/* Calls with an address: where the pointer and its length are. */
static const struct address_row {
	uint16_t nr;
	int8_t pointer, length;         /* length -1: the pointer is to a struct msghdr */
	bool binds;
} addresses[] = {
	{ NR_connect, 1, 2, false },
	{ NR_bind, 1, 2, true },
	{ NR_sendto, 4, 5, false },
	{ NR_sendmsg, 1, -1, false },
	{ NR_sendmmsg, 1, -1, false },
};

bool touch_has(uint32_t nr)
{
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		if (rows[i].nr == nr)
			return true;
	for (size_t i = 0; i < ARRAY_SIZE(addresses); i++)
		if (addresses[i].nr == nr)
			return true;
	return false;
}

/* The pids of a box mean nothing outside it and after it. */
static void hide_pid(char *path)
{
	static const char instead[] = "[pid]";
	char *const pid = path + strlen("/proc/");
	size_t digits = 0;

	if (strncmp(path, "/proc/", strlen("/proc/")) != 0)
		return;
	while (isdigit((unsigned char)pid[digits]))
		digits++;
	if (!digits || (pid[digits] && pid[digits] != '/') ||
	    strlen(path) + sizeof(instead) >= TOUCH_PATH)
		return;
	memmove(pid + strlen(instead), pid + digits, strlen(pid + digits) + 1);
	memcpy(pid, instead, strlen(instead));
}

bool touch_normal(char *path)
{
	char *out = path;

	for (const char *at = path; *at;) {
		const size_t len = strcspn(at + 1, "/");

		if (len == 2 && !memcmp(at + 1, "..", 2)) {
			while (out > path && *--out != '/')
				;
		} else if (len && !(len == 1 && at[1] == '.')) {
			memmove(out, at, len + 1);
			out += len + 1;
		}
		at += len + 1;
	}
	if (out == path)
		*out++ = '/';
	*out = '\0';
	hide_pid(path);
	return clean_bytes(path, strlen(path), "");
}

static uint8_t access_of_open(uint64_t flags)
{
	static const uint8_t by_mode[] = { ACCESS_READ, ACCESS_WRITE, ACCESS_READ | ACCESS_WRITE,
					   ACCESS_READ | ACCESS_WRITE };
	uint8_t access = by_mode[flags & O_ACCMODE];

	if (flags & O_PATH)
		return ACCESS_STAT;
	if (flags & O_CREAT || (flags & O_TMPFILE) == O_TMPFILE)
		access |= ACCESS_CREATE | ACCESS_WRITE;
	if (flags & O_TRUNC)
		access |= ACCESS_WRITE;
	if (flags & O_DIRECTORY && !(access & ACCESS_CREATE))
		access = ACCESS_LIST;
	return access;
}

static void blind(struct touch *out)
{
	out->is_blind = true;
	out->sys = errno;
}

static uint8_t access_of(const struct row *row, const struct touch_caller *caller)
{
	struct open_how how = { 0 };

	if (row->access == OPEN_HOW) {
		(void)peek_bytes(caller->tid, caller->args[2], &how.flags, sizeof(how.flags));
		return access_of_open(how.flags);
	}
	return row->access & 0x100 ? access_of_open(caller->args[row->access & 0xff]) : (uint8_t)row->access;
}

/* What a relative path starts from, with a '/' at its end; false when it cannot be known. */
static bool read_base(const struct touch_caller *caller, int directory, char *out, size_t cap)
{
	const int fd = directory == CWD ? AT_FDCWD : (int)(uint32_t)caller->args[directory];
	char name[32] = "cwd";

	if (fd != AT_FDCWD)
		snprintf(name, sizeof(name), "fd/%d", fd);
	if (!peek_link(caller->proc_fd, caller->tid, name, out, cap - 1))
		return false;
	strcat(out, "/");
	return true;
}

static void look_at_path(const struct row *row, const struct touch_caller *caller, struct touch *out)
{
	char *const path = out->paths[out->n_files];
	struct record_file *const file = &out->files[out->n_files];
	char text[TOUCH_PATH];
	size_t base;
	struct stat st;

	if (!peek_text(caller->tid, caller->args[row->path], text, sizeof(text))) {
		if (caller->args[row->path])
			blind(out);
		return;
	}
	path[0] = '\0';
	/* "": the descriptor itself (AT_EMPTY_PATH), which was recorded when it was opened. */
	if (!*text || (*text != '/' && !read_base(caller, row->directory, path, TOUCH_PATH)))
		return;
	base = strlen(path);
	if (base + strlen(text) >= TOUCH_PATH)
		return;
	strcpy(path + base, text);
	*file = (struct record_file){ .path = path, .access = access_of(row, caller), .phases = caller->phase,
				      .count = 1, .exists = true };
	if (fstatat(AT_FDCWD, path, &st, 0) == 0)
		file->is_dir = S_ISDIR(st.st_mode);
	else
		file->exists = errno != ENOENT && errno != ENOTDIR;
	file->is_odd = touch_normal(path);
	out->n_files++;
}

static void name_unix(const struct touch_caller *caller, const struct sockaddr_un *un, size_t len, struct touch *out)
{
	char path[TOUCH_PATH] = "";
	const size_t n = len - offsetof(struct sockaddr_un, sun_path);
	const char *const name = un->sun_path;

	if (n && !*name) {
		snprintf(out->address, sizeof(out->address), "@%.*s", (int)(n - 1), name + 1);
	} else {
		if (n && *name != '/' && !read_base(caller, CWD, path, sizeof(path)))
			return;
		strncat(path, name, n < sizeof(un->sun_path) ? n : sizeof(un->sun_path));
		if (*path)
			(void)touch_normal(path);
		snprintf(out->address, sizeof(out->address), "%.*s", (int)sizeof(out->address) - 1, path);
	}
	clean_bytes(out->address, strlen(out->address), "");
}

union address {
	struct sockaddr any;
	struct sockaddr_un un;
	struct sockaddr_in in;
	struct sockaddr_in6 in6;
};

static void name_address(const struct touch_caller *caller, const union address *from, size_t len, struct touch *out)
{
	struct record_host *const host = &out->host;

	host->address = out->address;
	host->family = FAMILY_OTHER;
	if (from->any.sa_family == AF_UNIX) {
		host->family = FAMILY_UNIX;
		name_unix(caller, &from->un, len, out);
	} else if (from->any.sa_family == AF_INET && len >= sizeof(from->in)) {
		host->family = FAMILY_INET;
		host->port = ntohs(from->in.sin_port);
		inet_ntop(AF_INET, &from->in.sin_addr, out->address, sizeof(out->address));
	} else if (from->any.sa_family == AF_INET6 && len >= offsetof(struct sockaddr_in6, sin6_scope_id)) {
		host->family = FAMILY_INET6;
		host->port = ntohs(from->in6.sin6_port);
		inet_ntop(AF_INET6, &from->in6.sin6_addr, out->address, sizeof(out->address));
	}
	out->has_host = true;
}

static void look_at_address(const struct address_row *row, const struct touch_caller *caller, struct touch *out)
{
	uint64_t at = caller->args[row->pointer], len = row->length < 0 ? 0 : (uint32_t)caller->args[row->length];
	union address address = { .any = { .sa_family = AF_UNSPEC } };
	struct msghdr head = { .msg_name = NULL };

	if (row->length < 0) {
		if (peek_bytes(caller->tid, at, &head, sizeof(head)) != (ssize_t)sizeof(head)) {
			blind(out);
			return;
		}
		at = (uint64_t)(uintptr_t)head.msg_name;
		len = head.msg_namelen;
	}
	/* Without an address: a connected socket. AF_UNSPEC takes a connection back. */
	if (!at || len < sizeof(sa_family_t))
		return;
	len = len < sizeof(address) ? len : sizeof(address);
	if (peek_bytes(caller->tid, at, &address, len) != (ssize_t)len) {
		blind(out);
		return;
	}
	if (address.any.sa_family == AF_UNSPEC)
		return;
	out->host = (struct record_host){ .connects = !row->binds, .binds = row->binds, .phases = caller->phase,
					  .count = 1 };
	name_address(caller, &address, len, out);
}

void touch_look(const struct touch_caller *caller, struct touch *out)
{
	out->n_files = 0;
	out->has_host = out->is_blind = false;
	out->sys = 0;
	out->address[0] = '\0';
	for (size_t i = 0; i < ARRAY_SIZE(rows) && out->n_files < TOUCH_PATHS; i++)
		if (rows[i].nr == caller->nr)
			look_at_path(&rows[i], caller, out);
	for (size_t i = 0; i < ARRAY_SIZE(addresses); i++)
		if (addresses[i].nr == caller->nr)
			look_at_address(&addresses[i], caller, out);
}
