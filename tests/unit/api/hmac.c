/* api/hmac: the vectors of RFC 4231 that have a key of this length or shorter. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "api/hmac.h"

static void the_vectors_of_the_rfc_hold(void **state)
{
	uint8_t key[HMAC_KEY] = { 0 };
	struct digest digest;
	char text[SHA256_TEXT];

	(void)state;
	memset(key, 0x0b, 20); /* case 1: a shorter key is the same with zeros behind it */
	digest = hmac_sha256(key, "Hi There", 8);
	digest_write(&digest, text);
	assert_string_equal(text, "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7");
	memset(key, 0, sizeof(key));
	memcpy(key, "Jefe", 4); /* case 2 */
	digest = hmac_sha256(key, "what do ya want for nothing?", 28);
	digest_write(&digest, text);
	assert_string_equal(text, "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_vectors_of_the_rfc_hold),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
