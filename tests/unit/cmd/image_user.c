/* cmd/image_user: who is lent ids, and who is not. */
#include "cmd/image_user.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

static char path[] = "/tmp/ward-image-user-XXXXXX";

static void write_file(const char *text)
{
	int fd;

	strcpy(path + sizeof(path) - 7, "XXXXXX");
	fd = mkstemp(path);
	assert_true(fd >= 0);
	assert_int_equal(write(fd, text, strlen(text)), strlen(text));
	close(fd);
}

static void a_user_has_the_name_of_the_first_line_with_its_number(void **state)
{
	char name[8];

	(void)state;
	write_file("root:x:0:0:root:/root:/bin/sh\nbroken\nann:x:1000:1000::/home/ann:/bin/sh\nbob:x:1000:1::/:\nlonglonglong:x:7:7::/:\n");
	assert_true(image_user_name(path, 1000, name, sizeof(name)));
	assert_string_equal(name, "ann");
	assert_false(image_user_name(path, 1001, name, sizeof(name)));
	assert_false(image_user_name(path, 7, name, sizeof(name)));
	unlink(path);
	assert_false(image_user_name(path, 1000, name, sizeof(name)));
}

static void a_range_is_lent_to_one_name_and_has_to_be_long_enough(void **state)
{
	(void)state;
	write_file("ann:100000:65536\nbob:165536:65535\ncat:x:65536\ndan:1:65536x\nbobby:200000:65536\neve:1\n");
	assert_true(image_user_lends(path, "ann", 65536));
	assert_false(image_user_lends(path, "bob", 65536));
	assert_false(image_user_lends(path, "cat", 65536));
	assert_false(image_user_lends(path, "dan", 65536));
	assert_false(image_user_lends(path, "eve", 65536));
	assert_false(image_user_lends(path, "an", 65536));
	unlink(path);
	assert_false(image_user_lends(path, "ann", 65536));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_user_has_the_name_of_the_first_line_with_its_number),
		cmocka_unit_test(a_range_is_lent_to_one_name_and_has_to_be_long_enough),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
