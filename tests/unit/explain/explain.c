/* explain/explain: which facts a configuration comes to. */
#include "explain/explain.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "explain_sample.h"
#include "model/note.h"

static bool has(const struct explain_sample *sample, enum explain_fact fact)
{
	return sample->explain.facts >> fact & 1;
}

static void an_address_is_local_only_when_nobody_else_reaches_it(void **state)
{
	static const struct {
		const char *address;
		bool is_public;
	} rows[] = {
		{ "127.0.0.1:8086", false }, { "127.9.9.9:1", false }, { "[::1]:80", false }, { "localhost:80", false },
		{ "unix:/run/a:b", false }, { "0.0.0.0:80", true }, { "[::]:80", true }, { "10.0.0.1:80", true },
		{ "1270.0.0.1:80", true }, { "localhost.example:80", true }, { "", true }, { ":80", true }, { "127.0.0.1.example:80", true },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct explain_sample sample;

		explain_sample_init(&sample);
		sample.explain.listen = sample.explain.metrics = rows[i].address;
		explain_sample_conclude(&sample);
		assert_int_equal(has(&sample, FACTS_PUBLIC), rows[i].is_public);
		assert_int_equal(has(&sample, FACTS_METRICS_PUBLIC), rows[i].is_public);
		assert_int_equal(has(&sample, FACTS_REFUSED), rows[i].is_public);
		explain_sample_done(&sample);
	}
}

static void tls_or_a_proxy_lets_it_listen(void **state)
{
	struct explain_sample tls, proxy;

	(void)state;
	explain_sample_init(&tls);
	explain_sample_init(&proxy);
	tls.explain.listen = proxy.explain.listen = "0.0.0.0:1";
	tls.config.values[CONFIG_TLS_CERT].text = "cert.pem";
	proxy.config.values[CONFIG_PROXY].text = "true";
	proxy.config.values[CONFIG_PROXY].n = 1;
	explain_sample_conclude(&tls);
	explain_sample_conclude(&proxy);
	assert_false(has(&tls, FACTS_REFUSED) || has(&proxy, FACTS_REFUSED) || has(&tls, FACTS_PROXY));
	assert_true(has(&tls, FACTS_TLS) && has(&proxy, FACTS_PROXY));
	explain_sample_done(&tls);
	explain_sample_done(&proxy);
}

static void what_a_box_lacks_is_a_fact(void **state)
{
	struct explain_sample sample;

	(void)state;
	explain_sample_init(&sample);
	explain_sample_conclude(&sample);
	assert_true(has(&sample, FACTS_CONTAINER) && has(&sample, FACTS_NATIVE) && has(&sample, FACTS_NO_GVISOR));
	assert_true(has(&sample, FACTS_NO_CORE) && has(&sample, FACTS_NO_HERALD) && has(&sample, FACTS_ROOT));
	assert_false(has(&sample, FACTS_JS) || has(&sample, FACTS_HOSTILE) || has(&sample, FACTS_UNJUDGED));
	explain_sample_done(&sample);
}

static void what_could_not_be_judged_is_partial(void **state)
{
	struct explain_sample sample;

	(void)state;
	explain_sample_init(&sample);
	subject_add_filter(&sample.explain.processes[PART_FRONT].subject, "bad", &(struct sock_filter){ BPF_JMP | BPF_JA, 0, 0, 9 }, 1);
	explain_sample_conclude(&sample);
	assert_true(explain_is_partial(&sample.explain));
	assert_true(has(&sample, FACTS_UNJUDGED));
	explain_sample_done(&sample);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_address_is_local_only_when_nobody_else_reaches_it),
		cmocka_unit_test(tls_or_a_proxy_lets_it_listen),
		cmocka_unit_test(what_a_box_lacks_is_a_fact),
		cmocka_unit_test(what_could_not_be_judged_is_partial),
	};

	return cmocka_run_group_tests_name("explain_explain", tests, NULL, NULL);
}
