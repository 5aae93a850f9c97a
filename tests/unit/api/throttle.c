/* api/throttle: wrong keys are slowed down by address, and only where they come from. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "api/throttle.h"
#include "base/mem.h"

#include <arpa/inet.h>

static struct sockaddr_in at(const char *address)
{
	struct sockaddr_in in = { .sin_family = AF_INET };

	inet_pton(AF_INET, address, &in.sin_addr);
	return in;
}

static void a_burst_is_told_and_then_it_waits(void **state)
{
	static struct throttle throttle = { .seed = 4711 };
	const struct sockaddr_in address = at("192.0.2.1"), other = at("192.0.2.2");
	uint64_t wait;

	(void)state;
	for (int i = 0; i < THROTTLE_BURST; i++)
		assert_int_equal(throttle_wrong(&throttle, (const struct sockaddr *)&address, 1000), 0);
	wait = throttle_wrong(&throttle, (const struct sockaddr *)&address, 1000);
	assert_int_equal(wait, THROTTLE_EACH_MS);
	/* Asking again does not make it longer. */
	assert_int_equal(throttle_wrong(&throttle, (const struct sockaddr *)&address, 1000), wait);
	assert_int_equal(throttle_wrong(&throttle, (const struct sockaddr *)&other, 1000), 0);
	assert_int_equal(throttle_wrong(&throttle, (const struct sockaddr *)&address, 1000 + wait), 0);
}

static void an_address_that_is_not_known_has_a_bucket_too(void **state)
{
	static struct throttle throttle;

	(void)state;
	for (int i = 0; i < THROTTLE_BURST; i++)
		assert_int_equal(throttle_wrong(&throttle, NULL, 5), 0);
	assert_int_not_equal(throttle_wrong(&throttle, NULL, 5), 0);
}

static void one_network_of_ipv6_is_one_address(void **state)
{
	static struct throttle throttle;
	struct sockaddr_in6 address = { .sin6_family = AF_INET6 };

	(void)state;
	for (int i = 0; i <= THROTTLE_BURST; i++) {
		address.sin6_addr.s6_addr[15] = (uint8_t)i;
		if (i < THROTTLE_BURST)
			assert_int_equal(throttle_wrong(&throttle, (const struct sockaddr *)&address, 9), 0);
	}
	assert_int_not_equal(throttle_wrong(&throttle, (const struct sockaddr *)&address, 9), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_burst_is_told_and_then_it_waits),
		cmocka_unit_test(an_address_that_is_not_known_has_a_bucket_too),
		cmocka_unit_test(one_network_of_ipv6_is_one_address),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
