/* Sets out the selftest's markers. Each carries a random token, so that a leftover of an earlier
 * run or a stranger's file is never taken for one. */
#include "cmd/markers.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <linux/keyctl.h>
#include <mqueue.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/ipc.h>
#include <sys/mman.h>
#include <sys/msg.h>
#include <sys/random.h>
#include <sys/sem.h>
#include <sys/sendfile.h>
#include <sys/shm.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <sys/utsname.h>
#include <sys/xattr.h>
#include <time.h>
#include <unistd.h>

#include "base/fd.h"
#include "judge/selftest.h"

enum { DIR_FD = 57 }; /* an open directory with a number no program expects */

/* A directory the policy grants nothing of, where programs may be executed. */
static int make_base(const struct policy *policy, struct markers *markers, struct err *e)
{
	static const char *const places[] = { "/var/tmp", "/opt", "/srv", "/tmp" };
	struct statvfs fs;

	for (size_t i = 0; i < ARRAY_SIZE(places); i++) {
		if (!selftest_is_ungranted(policy, places[i]) || statvfs(places[i], &fs) < 0 ||
		    (fs.f_flag & (ST_NOEXEC | ST_RDONLY)))
			continue;
		snprintf(markers->base, sizeof(markers->base), "%s/ward-selftest-XXXXXX",
			 places[i]);
		if (mkdtemp(markers->base))
			return chmod(markers->base, 0755) < 0 ? err_sys(e, "%s", markers->base) : 0;
	}
	markers->base[0] = '\0';
	return err_set(e, ERR_SYSTEM,
		       "no place for the markers: /var/tmp, /opt, /srv and /tmp are not writable, "
		       "do not let programs run, or are granted by the policy");
}

char *markers_path(struct markers *markers, const char *name)
{
	return arena_printf(&markers->arena, "%s/%s", markers->base, name);
}

static int make_file(const char *path, const char *text, struct err *e)
{
	OWN_FD int fd = open(path, O_CREAT | O_EXCL | O_WRONLY | O_CLOEXEC, 0644);

	if (fd < 0 || fchmod(fd, 0644) < 0)
		return err_sys(e, "%s", path);
	return fd_write_all(fd, text, strlen(text), e);
}

static int copy_program(const char *from, const char *to, mode_t mode, struct err *e)
{
	OWN_FD int in = open(from, O_RDONLY | O_CLOEXEC);
	OWN_FD int out = open(to, O_CREAT | O_EXCL | O_WRONLY | O_CLOEXEC, 0700);
	ssize_t n;

	if (in < 0 || out < 0)
		return err_sys(e, "%s", in < 0 ? from : to);
	do
		n = sendfile(out, in, NULL, 1 << 24);
	while (n > 0);
	if (n < 0 || fchmod(out, mode) < 0)
		return err_sys(e, "copy ward-probe to %s", to);
	return 0;
}

/* Only root has rights to give. The copies do nothing when they have gained some but say so. */
static void make_privileged(const char *probe, struct markers *markers)
{
	/* struct vfs_cap_data, revision 2: CAP_NET_RAW, permitted and effective */
	const uint32_t caps[5] = { VFS_CAP_REVISION_2 | VFS_CAP_FLAGS_EFFECTIVE,
				   1u << CAP_NET_RAW };
	char *const suid = markers_path(markers, "granted/suid"), *const filecap = markers_path(
								     markers, "granted/filecap");
	struct err ignored = ERR_INIT;

	if (geteuid() != 0)
		return;
	if (copy_program(probe, suid, 04755, &ignored) == 0)
		markers->suid = suid;
	if (copy_program(probe, filecap, 0755, &ignored) == 0 &&
	    setxattr(filecap, "security.capability", caps, sizeof(caps), 0) == 0)
		markers->filecap = filecap;
}

static int make_files(const char *probe, struct markers *markers, struct err *e)
{
	if (mkdir(markers_path(markers, "granted"), 0755) < 0 ||
	    mkdir(markers_path(markers, "outside"), 0755) < 0)
		return err_sys(e, "mkdir in %s", markers->base);
	markers->granted = markers_path(markers, "granted");
	markers->probe = markers_path(markers, "granted/ward-probe");
	markers->readable = markers_path(markers, "granted/readable");
	markers->secret = markers_path(markers, "outside/secret");
	markers->tool = markers_path(markers, "outside/tool");
	markers->socket_path = markers_path(markers, "outside/socket");
	if (make_file(markers->secret, markers->token, e) < 0 ||
	    make_file(markers->readable, "plain", e) < 0)
		return -1;
	if (copy_program(probe, markers->probe, 0755, e) < 0 ||
	    copy_program(probe, markers->tool, 0755, e) < 0)
		return -1;
	make_privileged(probe, markers);
	return 0;
}

int markers_set_out_guest(struct markers *markers, const char *program, const char **out, struct err *e)
{
	const struct {
		const char *name, *target;
	} links[] = {
		{ "granted/link-up", "../outside/secret" },
		{ "granted/link-absolute", markers->secret },
		{ "granted/link-magic", "/proc/self/root" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(links); i++)
		if (symlink(links[i].target, markers_path(markers, links[i].name)) < 0)
			return err_sys(e, "symlink in %s", markers->base);
	if (mkdir(markers_path(markers, "granted/below"), 0755) < 0 ||
	    mkfifo(markers_path(markers, "granted/pipe"), 0666) < 0)
		return err_sys(e, "mkdir and mkfifo in %s", markers->base);
	*out = markers_path(markers, "engine");
	return make_file(markers_path(markers, "granted/below/file"), "plain", e) < 0 ? -1 :
		copy_program(program, *out, 0755, e);
}

static int listen_inet(int type, uint16_t *port)
{
	struct sockaddr_in at = { .sin_family = AF_INET,
				  .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t len = sizeof(at);
	OWN_FD int fd = socket(AF_INET, type | SOCK_CLOEXEC, 0);

	if (fd < 0 || bind(fd, (struct sockaddr *)&at, sizeof(at)) < 0 ||
	    getsockname(fd, (struct sockaddr *)&at, &len) < 0 ||
	    (type == SOCK_STREAM && listen(fd, 128) < 0))
		return -1;
	*port = ntohs(at.sin_port);
	return TAKE_FD(fd);
}

static int listen_unix(const char *name, bool is_abstract)
{
	struct sockaddr_un at = { .sun_family = AF_UNIX };
	const size_t len = strlen(name);
	OWN_FD int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (fd < 0 || len + 2 > sizeof(at.sun_path))
		return -1;
	memcpy(at.sun_path + is_abstract, name, len);
	if (bind(fd, (struct sockaddr *)&at,
		 (socklen_t)(offsetof(struct sockaddr_un, sun_path) + is_abstract + len)) < 0 ||
	    listen(fd, 128) < 0)
		return -1;
	if (!is_abstract && chmod(name, 0666) < 0)
		return -1;
	return TAKE_FD(fd);
}

static void make_listeners(struct markers *markers)
{
	markers->tcp_fd = listen_inet(SOCK_STREAM, &markers->tcp_port);
	markers->udp_fd = listen_inet(SOCK_DGRAM, &markers->udp_port);
	markers->abstract_fd = listen_unix(markers->token, true);
	markers->socket_fd = listen_unix(markers->socket_path, false);
}

static void make_ipc(struct markers *markers)
{
	char name[64];

	markers->shm = shmget(markers->key, 4096, IPC_CREAT | IPC_EXCL | 0644);
	markers->sem = semget(markers->key, 1, IPC_CREAT | IPC_EXCL | 0644);
	markers->msg = msgget(markers->key, IPC_CREAT | IPC_EXCL | 0644);
	snprintf(name, sizeof(name), "/%s", markers->token);
	const mqd_t queue = mq_open(name, O_CREAT | O_EXCL | O_RDONLY, 0644, NULL);

	markers->has_queue = queue != (mqd_t)-1;
	if (markers->has_queue)
		mq_close(queue);
	const int fd = shm_open(name, O_CREAT | O_EXCL | O_RDWR, 0644);

	markers->has_shm_file = fd >= 0;
	fd_close(fd);
}

/* What a box could inherit: session, terminal, keyring, environment, an open directory. */
static void make_inherited(struct markers *markers)
{
	int unlocked = 0;

	setsid();
	markers->tty_master_fd = open("/dev/ptmx", O_RDWR | O_NOCTTY | O_CLOEXEC);
	if (markers->tty_master_fd >= 0 &&
	    ioctl(markers->tty_master_fd, TIOCSPTLCK, &unlocked) == 0)
		markers->tty_fd =
			ioctl(markers->tty_master_fd, TIOCGPTPEER, O_RDWR | O_NOCTTY | O_CLOEXEC);
	if (markers->tty_fd >= 0 && ioctl(markers->tty_fd, TIOCSCTTY, 0) < 0) {
		fd_close(markers->tty_fd);
		markers->tty_fd = -1;
	}
	if (syscall(SYS_keyctl, KEYCTL_JOIN_SESSION_KEYRING, NULL) >= 0)
		syscall(SYS_add_key, "user", markers->token, "x", 1UL, KEY_SPEC_SESSION_KEYRING);
	setenv("WARD_SELFTEST", markers->token, 1);
	OWN_FD int dir = open(markers->base, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	markers->dir_fd = dir < 0 ? -1 : fcntl(dir, F_DUPFD, DIR_FD);
}

int markers_set_out(const struct policy *policy, const char *probe, struct markers *out,
		    struct err *e)
{
	uint32_t random[4];

	if (getrandom(random, sizeof(random), 0) != (ssize_t)sizeof(random))
		return err_sys(e, "getrandom");
	snprintf(out->token, sizeof(out->token), "ward%08x%08x%08x", random[0], random[1],
		 random[2]);
	out->key = (int32_t)(random[3] & 0x7ffffff0) | 1;
	if (make_base(policy, out, e) < 0 || make_files(probe, out, e) < 0)
		return -1;
	make_listeners(out);
	make_ipc(out);
	make_inherited(out);
	return 0;
}

static void remove_files(const struct markers *markers)
{
	static const char *const names[] = {
		"granted/ward-probe", "granted/readable", "granted/suid",   "granted/filecap",
		"outside/secret",     "outside/tool",     "outside/socket", "outside/made-inside",
		"granted/link-up",    "granted/link-absolute", "granted/link-magic", "granted/pipe",
		"granted/below/file", "engine",           "guest",
	};
	char path[128];

	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		snprintf(path, sizeof(path), "%s/%s", markers->base, names[i]);
		unlink(path);
	}
	snprintf(path, sizeof(path), "%s/granted/below", markers->base);
	rmdir(path);
	snprintf(path, sizeof(path), "%s/granted", markers->base);
	rmdir(path);
	snprintf(path, sizeof(path), "%s/outside", markers->base);
	rmdir(path);
	rmdir(markers->base);
}

static void remove_ipc(const struct markers *markers)
{
	const int left = shmget(markers->key + 1, 0, 0);
	char name[64];

	if (markers->shm >= 0)
		shmctl(markers->shm, IPC_RMID, NULL);
	if (markers->shm >= 0 && left >= 0)
		shmctl(left, IPC_RMID, NULL);
	if (markers->sem >= 0)
		semctl(markers->sem, 0, IPC_RMID);
	if (markers->msg >= 0)
		msgctl(markers->msg, IPC_RMID, NULL);
	snprintf(name, sizeof(name), "/%s", markers->token);
	if (markers->has_queue)
		mq_unlink(name);
	if (markers->has_shm_file)
		shm_unlink(name);
}

void markers_done(struct markers *markers)
{
	const int fds[] = { markers->tcp_fd,    markers->udp_fd, markers->abstract_fd,
			    markers->socket_fd, markers->dir_fd, markers->tty_fd };

	if (markers->base[0])
		remove_files(markers);
	remove_ipc(markers);
	for (size_t i = 0; i < ARRAY_SIZE(fds); i++)
		fd_close(fds[i]);
	/* The master stays: closing it hangs up the terminal, which ends its session's leader, us.
	 */
	unsetenv("WARD_SELFTEST");
	arena_done(&markers->arena);
	*markers = MARKERS_NONE;
}

struct description {
	struct markers *markers;
	const char **argv;
	size_t n, cap;
};

static void add_text(struct description *to, const char *name, const char *value)
{
	if (value && to->n + 1 < to->cap)
		to->argv[to->n++] = arena_printf(&to->markers->arena, "%s=%s", name, value);
}

static void add_number(struct description *to, const char *name, int64_t value)
{
	if (value && to->n + 1 < to->cap)
		to->argv[to->n++] =
			arena_printf(&to->markers->arena, "%s=%lld", name, (long long)value);
}

static void describe_host(struct description *to)
{
	struct utsname host;
	struct timespec up;
	unsigned tty = 0;

	if (uname(&host) == 0)
		add_text(to, "host_name",
			 arena_copy(&to->markers->arena, host.nodename, strlen(host.nodename)));
	if (clock_gettime(CLOCK_BOOTTIME, &up) == 0)
		add_number(to, "uptime_s", up.tv_sec);
	if (to->markers->tty_fd >= 0 && ioctl(to->markers->tty_fd, TIOCGDEV, &tty) == 0)
		add_number(to, "host_tty", tty);
	add_number(to, "host_pid", getpid());
	add_number(to, "host_session", getsid(0));
	add_number(to, "host_group", getpgrp());
}

void markers_describe(struct markers *markers, const char **argv, size_t *n, size_t cap)
{
	struct description to = { markers, argv, *n, cap };

	add_text(&to, "token", markers->token);
	add_text(&to, "self", markers->probe);
	add_text(&to, "readable", markers->readable);
	add_text(&to, "suid", markers->suid);
	add_text(&to, "filecap", markers->filecap);
	add_text(&to, "secret_dir", markers_path(markers, "outside"));
	add_text(&to, "secret", markers->secret);
	add_text(&to, "tool", markers->tool);
	add_text(&to, "socket", markers->socket_fd >= 0 ? markers->socket_path : NULL);
	add_text(&to, "abstract", markers->abstract_fd >= 0 ? markers->token : NULL);
	if (markers->has_queue)
		add_text(&to, "queue", arena_printf(&markers->arena, "/%s", markers->token));
	if (markers->has_shm_file)
		add_text(&to, "shm_file",
			 arena_printf(&markers->arena, "/dev/shm/%s", markers->token));
	add_number(&to, "tcp", markers->tcp_fd >= 0 ? markers->tcp_port : 0);
	add_number(&to, "udp", markers->udp_fd >= 0 ? markers->udp_port : 0);
	add_number(&to, "shm", markers->shm >= 0 ? markers->key : 0);
	add_number(&to, "sem", markers->sem >= 0 ? markers->key : 0);
	add_number(&to, "msg", markers->msg >= 0 ? markers->key : 0);
	describe_host(&to);
	*n = to.n;
}
