/* api/session: a session is held by who has both halves, for as long as it lasts, and by nobody else. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "api/session.h"

struct halves {
	char cookie[SESSION_TEXT], token[SESSION_TEXT];
};

static struct sessions *sessions;

static int begin(void **state)
{
	(void)state;
	sessions = mem_alloc(sizeof(*sessions));
	return 0;
}

static int end(void **state)
{
	(void)state;
	free(sessions);
	return 0;
}

static struct halves opened(const char *public, uint64_t tenant, uint64_t now_ms)
{
	struct store_key key = { .tenant = tenant };
	struct err e = ERR_INIT;
	struct halves halves;

	memcpy(key.public, public, strlen(public));
	assert_int_equal(session_open(sessions, &key, now_ms, halves.cookie, halves.token, &e), 0);
	return halves;
}

static enum session_found found(const struct halves *cookie, const struct halves *token, uint64_t now_ms)
{
	struct session *session = NULL;
	const enum session_found how = session_find(sessions, cookie->cookie, token->token, now_ms, &session);

	assert_int_equal(how == SESSION_HELD, session != NULL);
	return how;
}

static void both_halves_hold_it(void **state)
{
	const struct halves a = opened("aaaaaaaa", 1, 10), none = { "", "" };

	(void)state;
	assert_int_equal(strlen(a.cookie), 64);
	assert_int_equal(strlen(a.token), 64);
	assert_string_not_equal(a.cookie, a.token);
	assert_int_equal(found(&a, &a, 20), SESSION_HELD);
	assert_int_equal(found(&none, &a, 20), SESSION_NONE);
	assert_int_equal(found(&a, &a, 30), SESSION_HELD);
}

/* A cookie that is shown with another's token was taken from somebody: nobody has it from then on. */
static void a_half_of_another_ends_it(void **state)
{
	const struct halves a = opened("aaaaaaaa", 1, 10), b = opened("bbbbbbbb", 2, 10), none = { "", "" };

	(void)state;
	assert_int_equal(found(&a, &b, 20), SESSION_TORN);
	assert_int_equal(found(&a, &a, 20), SESSION_NONE);
	assert_int_equal(found(&b, &b, 20), SESSION_HELD);
	assert_int_equal(found(&b, &none, 20), SESSION_TORN);
}

/* What is kept is no half: who reads the table cannot show it. */
static void what_is_kept_is_not_what_is_shown(void **state)
{
	const struct halves a = opened("aaaaaaaa", 1, 10);
	struct halves kept;

	(void)state;
	assert_string_equal(sessions->rows[SESSIONS_MAX - 1].public, "aaaaaaaa");
	digest_write(&sessions->rows[SESSIONS_MAX - 1].cookie, kept.cookie);
	digest_write(&sessions->rows[SESSIONS_MAX - 1].token, kept.token);
	assert_int_equal(found(&kept, &kept, 20), SESSION_NONE);
	assert_int_equal(found(&a, &a, 20), SESSION_HELD);
}

static void it_ends_without_use_and_by_age(void **state)
{
	const struct halves idle = opened("aaaaaaaa", 1, 1), used = opened("aaaaaaaa", 1, 1);
	uint64_t now = 1;

	(void)state;
	for (; now + SESSION_IDLE_MS / 2 < SESSION_LIFE_MS; now += SESSION_IDLE_MS / 2)
		assert_int_equal(found(&used, &used, now), SESSION_HELD);
	assert_int_equal(found(&idle, &idle, now), SESSION_NONE);
	assert_int_equal(found(&used, &used, 1 + SESSION_LIFE_MS), SESSION_NONE);
}

static void it_ends_with_its_key(void **state)
{
	const struct halves a = opened("aaaaaaaa", 1, 10), b = opened("aaaaaaaa", 1, 10), other = opened("bbbbbbbb", 1, 10);

	(void)state;
	assert_int_equal(session_end_key(sessions, "aaaaaaaa"), 2);
	assert_int_equal(session_end_key(sessions, ""), 0);
	assert_int_equal(found(&a, &a, 20), SESSION_NONE);
	assert_int_equal(found(&b, &b, 20), SESSION_NONE);
	assert_int_equal(found(&other, &other, 20), SESSION_HELD);
}

/* Who opens ever more pushes out its own, not another's. */
static void one_tenant_cannot_fill_the_table(void **state)
{
	const struct halves other = opened("bbbbbbbb", 2, 1);
	struct halves first = opened("aaaaaaaa", 1, 2), last = first;

	(void)state;
	for (unsigned i = 0; i < 2 * SESSIONS_MAX; i++)
		last = opened("aaaaaaaa", 1, 3 + i);
	assert_int_equal(found(&other, &other, 5), SESSION_HELD);
	assert_int_equal(found(&first, &first, 5), SESSION_NONE);
	assert_int_equal(found(&last, &last, 3 + 2 * SESSIONS_MAX), SESSION_HELD);
	assert_int_equal(session_end_key(sessions, "aaaaaaaa"), SESSIONS_EACH);
}

/* With all rows taken by as many tenants, the one that was used longest ago goes. */
static void a_full_table_takes_one_more(void **state)
{
	struct halves first = { "", "" }, second = first, last = first;

	(void)state;
	for (unsigned i = 0; i <= SESSIONS_MAX; i++) {
		last = opened("aaaaaaaa", 100 + i, 1 + i);
		if (i == 0)
			first = last;
		if (i == 1)
			second = last;
	}
	assert_int_equal(found(&first, &first, 1 + SESSIONS_MAX), SESSION_NONE);
	assert_int_equal(found(&second, &second, 1 + SESSIONS_MAX), SESSION_HELD);
	assert_int_equal(found(&last, &last, 1 + SESSIONS_MAX), SESSION_HELD);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(both_halves_hold_it, begin, end),
		cmocka_unit_test_setup_teardown(a_half_of_another_ends_it, begin, end),
		cmocka_unit_test_setup_teardown(what_is_kept_is_not_what_is_shown, begin, end),
		cmocka_unit_test_setup_teardown(it_ends_without_use_and_by_age, begin, end),
		cmocka_unit_test_setup_teardown(it_ends_with_its_key, begin, end),
		cmocka_unit_test_setup_teardown(one_tenant_cannot_fill_the_table, begin, end),
		cmocka_unit_test_setup_teardown(a_full_table_takes_one_more, begin, end),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
