/* Address and key, checked before either is used. */
#include "remote/setting.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"

#define URL_MAX  512
#define KEY_LEAST 8
#define KEY_MAX  256
#define KEY_BYTES "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-"

void setting_done(struct setting *setting)
{
	arena_done(&setting->arena);
	*setting = SETTING_NONE;
}

/* "127.0.0.1:80", "[::1]:80", "localhost": all of 127/8 is this machine (RFC 1122, 3.2.1.3). */
static bool is_loopback(const char *authority)
{
	char host[64];
	struct in_addr address;
	size_t len = *authority == '[' ? strcspn(authority, "]") + 1 : strcspn(authority, ":");

	if (len >= sizeof(host))
		return false;
	memcpy(host, authority, len);
	host[len] = '\0';
	if (inet_pton(AF_INET, host, &address) == 1)
		return ntohl(address.s_addr) >> 24 == 127;
	return strcmp(host, "localhost") == 0 || strcmp(host, "[::1]") == 0;
}

static int refuse_url(const char *url, const char *why, struct err *e)
{
	return err_set(e, ERR_USAGE, "the service's address %.80s %s; write http://127.0.0.1:PORT, https://HOST[:PORT] or unix:PATH",
		       url, why);
}

static int read_url(const char *url, struct setting *out, struct err *e)
{
	static const char plain[] = "http://", secret[] = "https://";
	const bool is_secret = strncmp(url, secret, strlen(secret)) == 0;
	const char *const authority = url + strlen(is_secret ? secret : plain);
	size_t len;

	if (strlen(url) > URL_MAX)
		return refuse_url(url, "is too long", e);
	if (strncmp(url, "unix:", 5) == 0) {
		out->socket = arena_copy(&out->arena, url + 5, strlen(url + 5));
		out->url = "http://localhost";
		out->is_near = true;
		return *out->socket ? 0 : refuse_url(url, "has no path", e);
	}
	if (!is_secret && strncmp(url, plain, strlen(plain)) != 0)
		return refuse_url(url, "has no scheme that is known", e);
	len = strspn(authority, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789.-:[]");
	if (!len || strcmp(authority + len + (authority[len] == '/'), "") != 0)
		return refuse_url(url, "is more than scheme, host and port", e);
	out->is_near = is_loopback(authority);
	if (!is_secret && !out->is_near)
		return err_set(e, ERR_DENIED, "the service's address %.80s would carry the key through the network in the clear; "
			       "use https://", url);
	out->url = arena_copy(&out->arena, url, (size_t)(authority - url) + len);
	return 0;
}

static int check_key(const char *key, const char *from, struct err *e)
{
	const size_t len = strlen(key);

	if (len < KEY_LEAST || len > KEY_MAX || strspn(key, KEY_BYTES) != len)
		return err_set(e, ERR_USAGE, "%.120s holds no key: one looks like wk_XXXXXXXX_... and stands alone", from);
	return 0;
}

/* Opened first and looked at then, so that both are about the same file. */
static int open_key(const char *path, struct err *e)
{
	OWN_FD int fd = open(path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	struct stat st;

	if (fd < 0 || fstat(fd, &st) < 0)
		return err_sys(e, "the key file %.120s", path);
	if (!S_ISREG(st.st_mode))
		return err_set(e, ERR_USAGE, "the key file %.120s is no regular file", path);
	if (st.st_uid != geteuid() && st.st_uid != 0)
		return err_set(e, ERR_DENIED, "the key file %.120s belongs to somebody else", path);
	if (st.st_mode & 077)
		return err_set(e, ERR_DENIED, "others may read or write the key file %.120s: chmod 600 it, and if they could "
			       "read it, make a new key", path);
	return TAKE_FD(fd);
}

static int read_key_file(const char *path, struct setting *out, struct err *e)
{
	OWN_FD int fd = open_key(path, e);
	OWN_MEM char *text = NULL;
	size_t len;

	if (fd < 0 || fd_read_file(fd, path, KEY_MAX + 2, &text, &len, e) < 0)
		return -1;
	text[strcspn(text, "\r\n")] = '\0';
	if (check_key(text, path, e) < 0)
		return -1;
	out->key = arena_copy(&out->arena, text, strlen(text));
	return 0;
}

static int find_key(const struct setting_words *words, struct setting *out, struct err *e)
{
	const char *const path = words->config ? arena_printf(&out->arena, "%s/key", words->config) : NULL;

	if (words->key_file)
		return read_key_file(words->key_file, out, e);
	if (words->key) {
		out->key = arena_copy(&out->arena, words->key, strlen(words->key));
		return check_key(out->key, "$WARD_KEY", e);
	}
	if (path && (access(path, F_OK) == 0 || errno != ENOENT))
		return read_key_file(path, out, e);
	return err_set(e, ERR_MISSING, "no key: set WARD_KEY, name a file with --key-file, or put it into %.120s (mode 600)",
		       path ? path : "~/.config/ward/key");
}

int setting_read(const struct setting_words *words, struct setting *out, struct err *e)
{
	OWN(setting) setting = SETTING_NONE;

	if (read_url(words->url ? words->url : SETTING_URL, &setting, e) < 0 || find_key(words, &setting, e) < 0)
		return -1;
	*out = TAKE(setting, SETTING_NONE);
	return 0;
}
