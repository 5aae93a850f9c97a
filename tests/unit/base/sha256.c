/* base/sha256: the vectors of the standard, and pieces that meet anywhere. */
#include "base/sha256.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* Source: FIPS 180-2 appendix B, and the empty message of the NIST test vectors (SHA256ShortMsg.rsp). */
static const struct {
	const char *message, *digest;
} vectors[] = {
	{ "", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855" },
	{ "abc", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad" },
	{ "abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq",
	  "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1" },
};

static void the_standards_messages_have_its_digests(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(vectors) / sizeof(*vectors); i++) {
		const struct digest digest = sha256_of(vectors[i].message, strlen(vectors[i].message));
		char text[SHA256_TEXT];

		digest_write(&digest, text);
		assert_string_equal(text, vectors[i].digest);
	}
}

static void a_million_letters_have_the_standards_digest(void **state)
{
	const size_t len = 1000000;
	char *const letters = malloc(len), text[SHA256_TEXT];
	struct digest digest;

	(void)state;
	memset(letters, 'a', len);
	digest = sha256_of(letters, len);
	digest_write(&digest, text);
	assert_string_equal(text, "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0");
	free(letters);
}

static void pieces_give_what_the_whole_gives(void **state)
{
	uint8_t bytes[200];

	(void)state;
	for (size_t i = 0; i < sizeof(bytes); i++)
		bytes[i] = (uint8_t)(i * 7);
	for (size_t len = 0; len <= sizeof(bytes); len++) {
		const struct digest whole = sha256_of(bytes, len);

		for (size_t cut = 0; cut <= len; cut++) {
			struct sha256 hash;
			struct digest parts;

			sha256_init(&hash);
			sha256_add(&hash, bytes, cut);
			(void)sha256_end(&hash); /* may be asked at any time */
			sha256_add(&hash, NULL, 0);
			sha256_add(&hash, bytes + cut, len - cut);
			parts = sha256_end(&hash);
			assert_true(digest_is(&whole, &parts));
		}
	}
}

static void one_bit_makes_another_digest(void **state)
{
	const struct digest a = sha256_of("a", 1);

	(void)state;
	for (int bit = 0; bit < 256; bit++) {
		struct digest b = a;

		b.bytes[bit / 8] ^= (uint8_t)(1 << bit % 8);
		assert_false(digest_is(&a, &b));
	}
}

static void only_64_small_digits_are_a_digest(void **state)
{
	char text[SHA256_TEXT + 1] = { 0 };
	struct digest digest, back;

	(void)state;
	digest = sha256_of("x", 1);
	digest_write(&digest, text);
	assert_true(digest_read(text, 64, &back));
	assert_true(digest_is(&digest, &back));
	assert_false(digest_read(text, 63, &back));
	assert_false(digest_read(text, 65, &back));
	for (const char *bad = "AFGgz/:`\n "; *bad; bad++) {
		const char was = text[10];

		text[10] = *bad;
		assert_false(digest_read(text, 64, &back));
		text[10] = was;
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_standards_messages_have_its_digests),
		cmocka_unit_test(a_million_letters_have_the_standards_digest),
		cmocka_unit_test(pieces_give_what_the_whole_gives),
		cmocka_unit_test(one_bit_makes_another_digest),
		cmocka_unit_test(only_64_small_digits_are_a_digest),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
