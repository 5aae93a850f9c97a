/* Other processes of the host: its System V objects and message queues, signals, forged
 * credentials. */
#include "probe/attempts.h"
#include "probe/way.h"

#include <errno.h>
#include <fcntl.h>
#include <mqueue.h>
#include <signal.h>
#include <sys/ipc.h>
#include <sys/msg.h>
#include <sys/resource.h>
#include <sys/sem.h>
#include <sys/shm.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

static struct outcome no_marker(void)
{
	return outcome_skipped("no marker");
}

struct outcome try_shm(GIVEN)
{
	if (!scene->shm)
		return no_marker();
	const int id = shmget((key_t)scene->shm, 0, 0);

	return id < 0 ? outcome_refused(errno) :
			outcome_of(shmat(id, NULL, SHM_RDONLY) == (void *)-1 ? -1 : 0);
}

struct outcome try_shm_count(GIVEN)
{
	struct shm_info info = { 0 };

	if (shmctl(0, SHM_INFO, (struct shmid_ds *)(void *)&info) < 0)
		return outcome_refused(errno);
	return outcome_state(info.used_ids > 0, "segments of others are shown", "none");
}

struct outcome try_sem(GIVEN)
{
	return scene->sem ? outcome_of(semget((key_t)scene->sem, 0, 0)) : no_marker();
}

struct outcome try_msg(GIVEN)
{
	return scene->msg ? outcome_of(msgget((key_t)scene->msg, 0)) : no_marker();
}

struct outcome try_queue(GIVEN)
{
	return scene->queue ? outcome_of(mq_open(scene->queue, O_RDONLY)) : no_marker();
}

struct outcome try_shm_file(GIVEN)
{
	return scene->shm_file ? outcome_of(way_open(scene->shm_file, O_RDONLY | O_CLOEXEC, 0)) :
				 no_marker();
}

/* The harness's number may by accident be that of one of our own processes. */
static bool is_host(const struct scene *scene)
{
	return scene->host_pid > 2 && scene->host_pid != scene_first(scene) &&
	       scene->host_pid != getpid() && scene->host_pid != way_parent();
}

struct outcome try_host_named(GIVEN)
{
	if (!is_host(scene))
		return no_marker();
	/* A filter's EPERM, which one's own process gets as well, tells nothing. */
	if (way_kill(getpid(), 0) < 0)
		return outcome_refused(errno);
	return outcome_past(way_kill((pid_t)scene->host_pid, 0), EPERM, EACCES);
}

struct outcome try_host_signal(GIVEN)
{
	return is_host(scene) ? outcome_of(way_kill((pid_t)scene->host_pid, 0)) : no_marker();
}

struct outcome try_host_queue_signal(GIVEN)
{
	return is_host(scene) ?
		       outcome_of(sigqueue((pid_t)scene->host_pid, 0, (union sigval){ 0 })) :
		       no_marker();
}

struct outcome try_host_pidfd(GIVEN)
{
	return is_host(scene) ? outcome_of(syscall(SYS_pidfd_open, (pid_t)scene->host_pid, 0)) :
				no_marker();
}

struct outcome try_host_priority(GIVEN)
{
	if (!is_host(scene))
		return no_marker();
	errno = 0;
	const int now = getpriority(PRIO_PROCESS, (id_t)scene->host_pid);

	return errno ? outcome_refused(errno) :
		       outcome_of(setpriority(PRIO_PROCESS, (id_t)scene->host_pid, now));
}

struct outcome try_parent_signal(GIVEN)
{
	return scene_parent(scene) ? outcome_of(way_kill(scene_parent(scene), 0)) :
				     outcome_skipped("the parent has no number in here");
}

struct outcome try_credentials(GIVEN)
{
	const struct ucred forged = { .pid = 1, .uid = 0, .gid = 0 };
	char control[CMSG_SPACE(sizeof(forged))] = "", byte = 'x';
	struct iovec data = { .iov_base = &byte, .iov_len = 1 };
	struct msghdr message = { .msg_iov = &data,
				  .msg_iovlen = 1,
				  .msg_control = control,
				  .msg_controllen = sizeof(control) };
	struct cmsghdr *const head = CMSG_FIRSTHDR(&message);
	int ends[2];

	if (socketpair(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0, ends) < 0)
		return outcome_refused(errno);
	head->cmsg_level = SOL_SOCKET;
	head->cmsg_type = SCM_CREDENTIALS;
	head->cmsg_len = CMSG_LEN(sizeof(forged));
	*(struct ucred *)(void *)CMSG_DATA(head) = forged;
	return outcome_of(sendmsg(ends[0], &message, MSG_DONTWAIT));
}
