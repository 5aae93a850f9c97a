/* mech/net: a new network namespace has a loopback that is down until it is brought up. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <cmocka.h>

#include "child.h"
#include "mech/net.h"

static int send_to_loopback(void)
{
	const struct sockaddr_in address = { .sin_family = AF_INET, .sin_port = htons(9),
					     .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	const int fd = socket(AF_INET, SOCK_DGRAM, 0);
	const ssize_t sent = sendto(fd, "x", 1, 0, (const struct sockaddr *)&address, sizeof(address));

	close(fd);
	return (int)sent;
}

static void bring_up(void)
{
	struct err e = ERR_INIT;

	child_enter_namespaces(CLONE_NEWNET);
	EXPECT(send_to_loopback() < 0 && errno == ENETUNREACH);
	EXPECT(net_loopback_up(&e) == 0);
	EXPECT(send_to_loopback() == 1);
	EXPECT(net_loopback_up(&e) == 0);
}

static void a_loopback_carries_packets_once_it_is_up(void **state)
{
	(void)state;
	child_succeeds(bring_up);
}

static void bring_up_without_rights(void)
{
	struct err e = ERR_INIT;

	if (geteuid() == 0 && setresuid(4321, 4321, 4321) < 0)
		child_cannot("cannot become an ordinary user");
	EXPECT(net_loopback_up(&e) == -1);
	EXPECT(e.kind == ERR_SYSTEM && e.sys == EPERM && !strncmp(e.text, "bring lo up", 11));
}

static void without_rights_it_fails_and_says_so(void **state)
{
	(void)state;
	child_succeeds(bring_up_without_rights);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_loopback_carries_packets_once_it_is_up),
		cmocka_unit_test(without_rights_it_fails_and_says_so),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
