/* base/notify: one datagram to whoever started the process, by path or abstract name, and never a wait. */
#include "base/notify.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/fd.h"

static int listen_at(const char *name)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	const int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	memcpy(address.sun_path, name, strlen(name));
	address.sun_path[0] = *name == '@' ? '\0' : *name;
	assert_int_equal(bind(fd, (struct sockaddr *)&address, (socklen_t)(offsetof(struct sockaddr_un, sun_path) + strlen(name))), 0);
	return fd;
}

static void assert_arrives(const char *name)
{
	char got[64] = "";
	OWN_FD int fd = listen_at(name);

	setenv("NOTIFY_SOCKET", name, 1);
	assert_int_equal(notify_manager("READY=1"), 1);
	assert_int_equal(recv(fd, got, sizeof(got), MSG_DONTWAIT), strlen("READY=1"));
	assert_string_equal(got, "READY=1");
}

static void a_word_arrives(void **state)
{
	char folder[] = "/tmp/ward-notify-XXXXXX", path[64], name[64];

	(void)state;
	assert_non_null(mkdtemp(folder));
	snprintf(path, sizeof(path), "%s/socket", folder);
	assert_arrives(path);
	unlink(path);
	rmdir(folder);
	snprintf(name, sizeof(name), "@ward-notify-%d", (int)getpid());
	assert_arrives(name);
}

static void nobody_asked(void **state)
{
	(void)state;
	unsetenv("NOTIFY_SOCKET");
	assert_int_equal(notify_manager("READY=1"), 0);
	setenv("NOTIFY_SOCKET", "", 1);
	assert_int_equal(notify_manager("READY=1"), 0);
}

static void what_cannot_be_sent_is_no_trouble(void **state)
{
	char many[300];

	(void)state;
	memset(many, 'a', sizeof(many));
	many[0] = '/';
	many[sizeof(many) - 1] = '\0';
	for (const char *const *one = (const char *const[]){ "/nowhere/at/all", "vsock:2:3", "relative", many, NULL }; *one; one++) {
		setenv("NOTIFY_SOCKET", *one, 1);
		assert_int_equal(notify_manager("READY=1"), -1);
	}
}

/* A manager that does not read fills its queue: the word is lost, and the process goes on. */
static void a_full_queue_does_not_hold_it_up(void **state)
{
	char name[64];
	int sent = 1;

	(void)state;
	snprintf(name, sizeof(name), "@ward-notify-full-%d", (int)getpid());
	OWN_FD int fd = listen_at(name);
	setenv("NOTIFY_SOCKET", name, 1);
	for (int i = 0; i < 100000 && sent == 1; i++)
		sent = notify_manager("READY=1");
	assert_int_equal(sent, -1);
	assert_true(fd >= 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_word_arrives),
		cmocka_unit_test(nobody_asked),
		cmocka_unit_test(what_cannot_be_sent_is_no_trouble),
		cmocka_unit_test(a_full_queue_does_not_hold_it_up),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
