/* ward-monitor: what an ordinary user cannot do alone, which is cgroups. Keeps slots parked, hands each
 * connection to one, and removes the cgroup behind it. Reads not one byte of what clients send. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/mem.h"
#include "mech/cgroup.h"
#include "mech/confine.h"
#include "mech/drop.h"
#include "mech/ns.h"
#include "monitor/ceiling.h"
#include "monitor/receive.h"
#include "monitor/slot.h"

#define SLOTS 1024
#define DEFAULT_SOCKET "/run/ward/monitor.sock"

struct slot {
	int pid, pid_fd, wait_fd;       /* wait_fd -1 once it has its client */
	uint32_t uid;
	struct cgroup cgroup;
};

struct server {
	int listen_fd, signal_fd;
	unsigned parked_wanted;
	bool ending;
	struct ceiling ceiling;
	struct slot slots[SLOTS];       /* pid 0 = free */
	struct pollfd polls[SLOTS + 2];
	size_t n_slots;                 /* highest used + 1 */
};

/* What a box's first process and its keeper never need, refused as the floor refuses it: inherited by
 * every box, and without changing what the policy's own filter reports. */
static const uint16_t never[] = {
	SYS_kexec_load, SYS_kexec_file_load, SYS_reboot, SYS_init_module, SYS_finit_module, SYS_delete_module,
	SYS_swapon, SYS_swapoff, SYS_acct, SYS_quotactl, SYS_iopl, SYS_ioperm, SYS_settimeofday, SYS_clock_settime,
	SYS_adjtimex, SYS_clock_adjtime, SYS_ptrace, SYS_process_vm_readv, SYS_process_vm_writev, SYS_bpf,
	SYS_perf_event_open, SYS_io_uring_setup, SYS_io_uring_enter, SYS_io_uring_register, SYS_userfaultfd,
	SYS_add_key, SYS_request_key, SYS_open_by_handle_at, SYS_fanotify_init, SYS_setns, SYS_syslog,
	SYS_lookup_dcookie, SYS_kcmp, SYS_pidfd_getfd,
};

static void say(const char *what, const struct err *e)
{
	fprintf(stderr, "ward-monitor: %s%s%s\n", what, e ? ": " : "", e ? e->text : "");
}

static struct slot *free_slot(struct server *server)
{
	for (size_t i = 0; i < SLOTS && i < server->ceiling.boxes_max; i++)
		if (!server->slots[i].pid) {
			if (i >= server->n_slots)
				server->n_slots = i + 1;
			return &server->slots[i];
		}
	return NULL;
}

_Noreturn static void run_slot(struct server *server, int wait_fd, struct cgroup *cgroup)
{
	for (size_t i = 0; i < server->n_slots; i++) {
		struct slot *other = &server->slots[i];

		if (!other->pid)
			continue;
		close(other->pid_fd);
		if (other->wait_fd >= 0)
			close(other->wait_fd);
		cgroup_forget(&other->cgroup);
	}
	close(server->listen_fd);
	close(server->signal_fd);
	sigset_t none;

	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	slot_live(wait_fd, cgroup, &server->ceiling);
}

/* Everything slow about a start, long before anybody waits for it. */
static int park(struct server *server, struct err *e)
{
	struct slot *slot = free_slot(server);
	struct slot new = { .pid_fd = -1, .wait_fd = -1, .cgroup = CGROUP_NONE };
	struct err ignored;
	int pair[2];

	if (!slot)
		return err_set(e, ERR_LIMIT, "all %d slots are taken", SLOTS);
	if (cgroup_create(&new.cgroup, (1u << CGROUP_LIMITS) - 1, e) < 0)
		return -1;
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) < 0) {
		if (cgroup_remove(&new.cgroup, 0, &ignored) < 0)
			cgroup_forget(&new.cgroup);
		return err_sys(e, "socketpair");
	}
	new.pid = ns_clone(0, cgroup_into_fd(&new.cgroup), &new.pid_fd, e);
	if (new.pid == 0) {
		close(pair[0]);
		run_slot(server, pair[1], &new.cgroup);
	}
	close(pair[1]);
	new.wait_fd = pair[0];
	if (new.pid < 0 || (cgroup_into_fd(&new.cgroup) < 0 && cgroup_attach(&new.cgroup, new.pid, e) < 0)) {
		close(pair[0]);
		if (new.pid > 0) {
			kill(new.pid, SIGKILL);
			waitpid(new.pid, NULL, 0);
			close(new.pid_fd);
		}
		if (cgroup_remove(&new.cgroup, 1000, &ignored) < 0)
			cgroup_forget(&new.cgroup);
		return -1;
	}
	*slot = new;
	return 0;
}

static unsigned count_parked(const struct server *server)
{
	unsigned n = 0;

	for (size_t i = 0; i < server->n_slots; i++)
		n += server->slots[i].pid && server->slots[i].wait_fd >= 0;
	return n;
}

static void refill(struct server *server)
{
	struct err e = ERR_INIT;

	while (!server->ending && count_parked(server) < server->parked_wanted)
		if (park(server, &e) < 0) {
			say("cannot park a slot", &e);
			return;
		}
}

static bool may_have_more(const struct server *server, uint32_t uid)
{
	uint64_t n = 0;

	for (size_t i = 0; i < server->n_slots; i++)
		n += server->slots[i].pid && server->slots[i].wait_fd < 0 && server->slots[i].uid == uid;
	return n < server->ceiling.boxes_per_user;
}

static struct slot *a_parked_slot(struct server *server)
{
	for (size_t i = 0; i < server->n_slots; i++)
		if (server->slots[i].pid && server->slots[i].wait_fd >= 0)
			return &server->slots[i];
	return NULL;
}

static void hand_over(struct server *server)
{
	const int fd = accept4(server->listen_fd, NULL, NULL, SOCK_CLOEXEC);
	struct ucred client;
	socklen_t len = sizeof(client);
	struct slot *slot;

	if (fd < 0)
		return;
	if (!a_parked_slot(server))
		refill(server);
	slot = a_parked_slot(server);
	if (slot && getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &client, &len) == 0 && may_have_more(server, client.uid) &&
	    receive_send_fd(slot->wait_fd, fd) == 0) {
		slot->uid = client.uid;
		close(slot->wait_fd);
		slot->wait_fd = -1;
	}
	close(fd); /* refused: the client sees the end of file and says so */
}

static void clean_up(struct slot *slot)
{
	struct err e = ERR_INIT;

	waitpid(slot->pid, NULL, 0);
	close(slot->pid_fd);
	if (slot->wait_fd >= 0)
		close(slot->wait_fd);
	if (cgroup_kill(&slot->cgroup, 5000, &e) < 0 || cgroup_remove(&slot->cgroup, 5000, &e) < 0) {
		say("a cgroup is left behind", &e);
		cgroup_forget(&slot->cgroup);
	}
	*slot = (struct slot){ .pid_fd = -1, .wait_fd = -1, .cgroup = CGROUP_NONE };
}

static void turn(struct server *server)
{
	struct pollfd *polls = server->polls;
	const size_t n = server->n_slots;

	polls[0] = (struct pollfd){ .fd = server->listen_fd, .events = POLLIN };
	polls[1] = (struct pollfd){ .fd = server->signal_fd, .events = POLLIN };
	for (size_t i = 0; i < n; i++)
		polls[i + 2] = (struct pollfd){ .fd = server->slots[i].pid ? server->slots[i].pid_fd : -1, .events = POLLIN };
	if (poll(polls, n + 2, -1) < 0)
		return;
	if (polls[0].revents)
		hand_over(server);
	for (size_t i = 0; i < n; i++)
		if (polls[i + 2].revents)
			clean_up(&server->slots[i]);
	server->ending = polls[1].revents;
	refill(server);
}

static void end_all(struct server *server)
{
	for (size_t i = 0; i < server->n_slots; i++)
		if (server->slots[i].pid) {
			kill(server->slots[i].pid, SIGKILL);
			clean_up(&server->slots[i]);
		}
}

static int listen_at(const char *path, unsigned mode, struct err *e)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	const int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);

	if (fd < 0)
		return err_sys(e, "socket");
	if (strlen(path) >= sizeof(address.sun_path)) {
		close(fd);
		return err_set(e, ERR_USAGE, "%s: the path is too long", path);
	}
	strcpy(address.sun_path, path);
	if (!strcmp(path, DEFAULT_SOCKET))
		mkdir("/run/ward", 0755);
	/* A socket nobody answers at is a dead monitor's. */
	if (connect(fd, (const struct sockaddr *)&address, sizeof(address)) == 0) {
		close(fd);
		return err_set(e, ERR_CONFLICT, "a monitor already answers at %s", path);
	}
	unlink(path);
	if (bind(fd, (const struct sockaddr *)&address, sizeof(address)) < 0 || chmod(path, mode) < 0 || listen(fd, 128) < 0) {
		close(fd);
		return err_sys(e, "listen at %s", path);
	}
	return fd;
}

static const char usage[] =
	"usage: ward-monitor [--socket PATH] [--mode OCTAL] [--ceiling FILE] [--parked N]\n"
	"Lets ordinary users start boxes with cgroup limits, within the ceiling of root.\n"
	"  --socket PATH   where to listen (" DEFAULT_SOCKET ")\n"
	"  --mode OCTAL    who may connect (666: every local user)\n"
	"  --ceiling FILE  root's limits; see ward-monitor(8)\n"
	"  --parked N      slots kept ready, 0 to 64 (2)\n";

struct settings {
	const char *socket, *ceiling;
	unsigned mode, parked;
};

static int read_options(int argc, char **argv, struct settings *out)
{
	for (int i = 1; i < argc; i += 2) {
		const char *name = argv[i], *value = i + 1 < argc ? argv[i + 1] : NULL;
		char *after = NULL;

		if (!value)
			return -1;
		if (!strcmp(name, "--socket"))
			out->socket = value;
		else if (!strcmp(name, "--ceiling"))
			out->ceiling = value;
		else if (!strcmp(name, "--mode"))
			out->mode = (unsigned)strtoul(value, &after, 8);
		else if (!strcmp(name, "--parked"))
			out->parked = (unsigned)strtoul(value, &after, 10);
		else
			return -1;
		if (after && (*after || after == value))
			return -1;
	}
	return out->parked <= 64 && out->mode <= 0777 ? 0 : -1;
}

static int begin(struct server *server, const struct settings *settings, struct err *e)
{
	sigset_t set;

	if (geteuid() != 0)
		return err_set(e, ERR_DENIED, "must be started as root");
	if (ceiling_read(settings->ceiling, &server->ceiling, e) < 0)
		return -1;
	server->parked_wanted = settings->parked ? settings->parked : 1;
	server->listen_fd = listen_at(settings->socket, settings->mode, e);
	if (server->listen_fd < 0)
		return -1;
	sigemptyset(&set);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGINT);
	sigprocmask(SIG_BLOCK, &set, NULL);
	signal(SIGPIPE, SIG_IGN);
	server->signal_fd = signalfd(-1, &set, SFD_CLOEXEC);
	if (server->signal_fd < 0)
		return err_sys(e, "signalfd");
	cgroup_sweep();
	if (drop_new_privs(e) < 0)
		return -1;
	return confine_refuse(never, ARRAY_SIZE(never), e);
}

int main(int argc, char **argv)
{
	static struct server server;
	struct settings settings = { .socket = DEFAULT_SOCKET, .mode = 0666, .parked = 2 };
	struct err e = ERR_INIT;

	if (argc == 2 && !strcmp(argv[1], "--help")) {
		fputs(usage, stdout);
		return 0;
	}
	if (read_options(argc, argv, &settings) < 0) {
		fputs(usage, stderr);
		return 2;
	}
	if (begin(&server, &settings, &e) < 0) {
		say("cannot start", &e);
		return 1;
	}
	refill(&server);
	while (!server.ending)
		turn(&server);
	end_all(&server);
	unlink(settings.socket);
	return 0;
}
