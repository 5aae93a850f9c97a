/* api/sha1: the vectors of RFC 3174, and the example of RFC 6455. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "api/sha1.h"
#include "serve/base64.h"

static void check(const char *text, const char *base64)
{
	uint8_t digest[SHA1_BYTES];
	char coded[BASE64_LEN(SHA1_BYTES) + 1];

	sha1_of(text, strlen(text), digest);
	base64_write(digest, sizeof(digest), coded);
	assert_string_equal(coded, base64);
}

static void the_vectors_hold(void **state)
{
	(void)state;
	check("abc", "qZk+NkcGgWq6PiVxeFDCbJzQ2J0=");
	check("abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq", "hJg+RBw70m66rkqh+VEp5eVGcPE=");
	check("", "2jmj7l5rSw0yVb/vlWAYkK/YBwk=");
}

static void the_handshake_of_the_rfc_is_accepted(void **state)
{
	(void)state;
	check("dGhlIHNhbXBsZSBub25jZQ==258EAFA5-E914-47DA-95CA-C5AB0DC85B11", "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_vectors_hold),
		cmocka_unit_test(the_handshake_of_the_rfc_is_accepted),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
