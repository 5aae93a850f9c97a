/* herald/address: what is not surely the world's is not. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <arpa/inet.h>
#include <cmocka.h>
#include <netinet/in.h>
#include <sys/un.h>

#include "base/mem.h"
#include "herald/address.h"

static bool is_public(const char *text)
{
	struct sockaddr_in v4 = { .sin_family = AF_INET };
	struct sockaddr_in6 v6 = { .sin6_family = AF_INET6 };

	if (inet_pton(AF_INET, text, &v4.sin_addr) == 1)
		return address_is_public((const struct sockaddr *)&v4);
	assert_int_equal(inet_pton(AF_INET6, text, &v6.sin6_addr), 1);
	return address_is_public((const struct sockaddr *)&v6);
}

static void special_addresses_are_not_public(void **state)
{
	static const char *const special[] = {
		"0.0.0.0", "0.255.255.255", "10.0.0.1", "10.255.255.255", "100.64.0.1", "100.127.255.255", "127.0.0.1", "127.255.255.255",
		"169.254.169.254", "169.254.170.2", "172.16.0.1", "172.31.255.255", "192.0.0.8", "192.0.2.1", "192.88.99.1", "192.168.0.1",
		"198.18.0.1", "198.19.255.255", "198.51.100.7", "203.0.113.7", "224.0.0.1", "239.1.1.1", "240.0.0.1", "255.255.255.255",
		"::", "::1", "::ffff:8.8.8.8", "::ffff:127.0.0.1", "::7f00:1", "64:ff9b::1", "64:ff9b:1::1", "100::1", "2001::1", "2001:20::1",
		"2001:1ff::1", "2001:db8::1", "2002:7f00:1::", "2002:808:808::", "3fff::1", "fc00::1", "fd00:ec2::254", "fe80::1", "fec0::1", "ff02::1",
		"4000::1", "8000::1",
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(special); i++)
		if (is_public(special[i]))
			fail_msg("%s", special[i]);
}

static void others_are(void **state)
{
	static const char *const public[] = {
		"1.1.1.1", "8.8.8.8", "9.255.255.255", "11.0.0.0", "100.63.255.255", "100.128.0.0", "126.255.255.255", "128.0.0.1",
		"169.253.255.255", "172.15.255.255", "172.32.0.0", "192.0.1.1", "198.17.255.255", "198.20.0.0", "223.255.255.255",
		"2606:4700::1111", "2001:200::1", "2001:4860:4860::8888", "2a00:1450::1", "3ffe::1",
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(public); i++)
		if (!is_public(public[i]))
			fail_msg("%s", public[i]);
}

static void another_family_is_not(void **state)
{
	const struct sockaddr_un local = { .sun_family = AF_UNIX };

	(void)state;
	assert_false(address_is_public((const struct sockaddr *)&local));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(special_addresses_are_not_public),
		cmocka_unit_test(others_are),
		cmocka_unit_test(another_family_is_not),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
