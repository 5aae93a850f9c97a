/* plugin/admit: each import by name, and what a function of each class would let out. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "plugin/admit.h"

#define MAGIC "\0asm\1\0\0\0"
/* 0: () -> nothing; 1: (i32, i32, i32) -> nothing; 2: four i32 -> i32; 3: () -> i64 */
#define TYPES "\x01\x16\x04\x60\x00\x00\x60\x03\x7f\x7f\x7f\x00\x60\x04\x7f\x7f\x7f\x7f\x01\x7f\x60\x00\x01\x7e"
#define REST "\x03\x02\x01\x00\x05\x03\x01\x00\x01"
/* The function's index is that of the imports' number. */
#define EXPORTS(index) "\x07\x10\x02\x03run\x00" index "\x06memory\x02\x00"

struct sample {
	const char *bytes;
	size_t len;
};
#define SAMPLE(text) { text, sizeof(text) - 1 }

static void judge(const struct sample *sample, uint32_t grants, const char *function, struct admission *out)
{
	struct manifest manifest = { .name = "x", .sha256 = sha256_of(sample->bytes, sample->len), .grants = grants };

	manifest.limits[PLUGIN_MEMORY] = 65536;
	if (function)
		manifest.functions[manifest.n_functions++] =
			(struct manifest_function){ .name = function, .declared = PLUGIN_CLASS_NETWORK };
	admit_module(&manifest, (const uint8_t *)sample->bytes, sample->len, out);
}

static void an_import_is_refused_by_name_with_the_fix(void **state)
{
	static const struct {
		struct sample sample;
		uint32_t grants;
		const char *function;
		const char *refused;    /* NULL: admitted */
	} rows[] = {
		{ SAMPLE(MAGIC TYPES "\x02\x0c\x01\x04ward\x03log\x00\x01" REST EXPORTS("\x01")), 0, NULL, NULL },
		{ SAMPLE(MAGIC TYPES "\x02\x0f\x01\x04ward\x06kv_get\x00\x02" REST EXPORTS("\x01")), 0, NULL, NULL },
		{ SAMPLE(MAGIC TYPES "\x02\x11\x01\x04ward\x08" "clock_ms\x00\x03" REST EXPORTS("\x01")), 1, NULL, NULL },
		{ SAMPLE(MAGIC TYPES "\x02\x11\x01\x04ward\x08" "clock_ms\x00\x03" REST EXPORTS("\x01")), 2, NULL,
		  "import ward.clock_ms: the manifest does not grant it; write grant: [clock]" },
		{ SAMPLE(MAGIC TYPES "\x02\x0f\x01\x08" "embedder\x02go\x00\x02" REST EXPORTS("\x01")), 0, "go", NULL },
		{ SAMPLE(MAGIC TYPES "\x02\x0f\x01\x08" "embedder\x02go\x00\x02" REST EXPORTS("\x01")), 0, NULL,
		  "import embedder.go: the manifest lists no such function" },
		{ SAMPLE(MAGIC TYPES "\x02\x0f\x01\x08" "embedder\x02go\x00\x01" REST EXPORTS("\x01")), 0, "go",
		  "it is declared as (i32, i32, i32) and is (i32, i32, i32, i32) -> i32" },
		{ SAMPLE(MAGIC TYPES "\x02\x0c\x01\x04ward\x03log\x00\x02" REST EXPORTS("\x01")), 0, NULL,
		  "import ward.log: it is declared as (i32, i32, i32, i32) -> i32 and is (i32, i32, i32)" },
		{ SAMPLE(MAGIC TYPES "\x02\x0c\x01\x04ward\x03" "lof\x00\x01" REST EXPORTS("\x01")), 0, NULL,
		  "there is no such function (did you mean 'log'?)" },
		{ SAMPLE(MAGIC TYPES "\x02\x22\x01\x16wasi_snapshot_preview1\x07" "fd_read\x00\x02" REST EXPORTS("\x01")), 0, NULL,
		  "import wasi_snapshot_preview1.fd_read: WASI reaches files" },
		{ SAMPLE(MAGIC TYPES "\x02\x0b\x01\x03" "env\x03" "log\x00\x01" REST EXPORTS("\x01")), 0, NULL,
		  "import env.log: that is where compilers put" },
		{ SAMPLE(MAGIC TYPES "\x02\x0a\x01\x02" "w\x1b\x03" "log\x00\x01" REST EXPORTS("\x01")), 0, NULL, "import w?.log: a plug-in imports" },
		{ SAMPLE(MAGIC TYPES "\x02\x0d\x01\x04ward\x03mem\x02\x00\x01" "\x03\x02\x01\x00" EXPORTS("\x00")), 0, NULL,
		  "import ward.mem: a memory cannot be given" },
		{ SAMPLE(MAGIC TYPES "\x02\x17\x02\x04ward\x03log\x00\x01\x04ward\x03log\x00\x01" REST EXPORTS("\x02")), 0, NULL,
		  "import ward.log: it is there twice" },
		{ SAMPLE(MAGIC TYPES "\x03\x02\x01\x00\x05\x03\x01\x00\x02" EXPORTS("\x00")), 0, NULL,
		  "a memory of 2 pages of 64 KiB, limits.memory allows 1" },
		{ SAMPLE(MAGIC TYPES "\x03\x02\x01\x00\x05\x04\x01\x03\x01\x01" EXPORTS("\x00")), 0, NULL, "its memory is shared" },
		{ SAMPLE(MAGIC TYPES "\x03\x02\x01\x00\x05\x03\x01\x04\x01" EXPORTS("\x00")), 0, NULL, "its memory is of 64 bits" },
		{ SAMPLE(MAGIC TYPES "\x02\x0c\x01\x04ward\x03log\x00\x01\x03\x02\x01\x00\x07\x07\x01\x03run\x00\x01"), 0, NULL,
		  "it exports no memory under the name" },
		{ SAMPLE(MAGIC TYPES), 0, NULL, "it exports no function that could be called" },
		{ SAMPLE(MAGIC TYPES "\x03\x02\x01\x00\x07\x0f\x02\x03run\x00\x00\x05" "alloc\x00\x00"), 0, NULL, "its export alloc is not (i32) -> i32" },
		{ SAMPLE("MZ"), 0, NULL, "it is no WebAssembly module" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		OWN(admission) admission = ADMISSION_NONE;

		judge(&rows[i].sample, rows[i].grants, rows[i].function, &admission);
		if (!rows[i].refused && admission.n_refused)
			fail_msg("row %zu: %s", i, str_text(&admission.refused));
		if (rows[i].refused && !strstr(str_text(&admission.refused), rows[i].refused))
			fail_msg("row %zu: '%s', not %s", i, str_text(&admission.refused), rows[i].refused);
	}
}

static void another_module_than_the_manifests_is_refused(void **state)
{
	static const struct sample sample = SAMPLE(MAGIC TYPES "\x03\x02\x01\x00" "\x07\x07\x01\x03run\x00\x00");
	struct manifest manifest = { .name = "x" };
	OWN(admission) admission = ADMISSION_NONE;

	(void)state;
	admit_module(&manifest, (const uint8_t *)sample.bytes, sample.len, &admission);
	assert_int_equal(admission.n_refused, 1);
	assert_non_null(strstr(str_text(&admission.refused), "it is another module, or it was changed"));
}

/* Every class that widens says what may go out or come in, and none that does not widens in silence. */
static void a_function_that_widens_is_warned_about_with_the_reason(void **state)
{
	(void)state;
	for (size_t i = 0; i < PLUGIN_CLASSES; i++) {
		const struct plugin_class_row *const row = plugin_class_row((enum plugin_class)i);
		struct manifest manifest = { .name = "x" };
		OWN(str) out = STR_NONE;

		manifest.functions[0] = (struct manifest_function){ .name = "f", .declared = (enum plugin_class)i };
		manifest.n_functions = 1;
		assert_int_equal(admit_warn(&manifest, "f", (enum plugin_class)i, &out), row->widens);
		if (!row->widens) {
			assert_int_equal(out.len, 0);
			continue;
		}
		assert_non_null(strstr(str_text(&out), "WARNING: embedder.f, of class"));
		assert_true(*row->takes || *row->gives);
		assert_true(!*row->takes || strstr(str_text(&out), row->takes));
		assert_true(!*row->gives || strstr(str_text(&out), row->gives));
	}
}

static void a_warning_that_the_manifest_explains_is_no_finding(void **state)
{
	static const struct sample sample = SAMPLE(MAGIC TYPES "\x03\x02\x01\x00" "\x07\x07\x01\x03run\x00\x00");
	struct manifest manifest = { .name = "x", .sha256 = sha256_of(sample.bytes, sample.len), .n_functions = 2 };
	OWN(admission) admission = ADMISSION_NONE;

	(void)state;
	manifest.functions[0] = (struct manifest_function){ .name = "f", .declared = PLUGIN_CLASS_FILE, .why = "we know" };
	manifest.functions[1] = (struct manifest_function){ .name = "g", .declared = PLUGIN_CLASS_FILE };
	admit_module(&manifest, (const uint8_t *)sample.bytes, sample.len, &admission);
	assert_int_equal(admission.n_refused, 0);
	assert_int_equal(admission.n_warnings, 2);
	assert_int_equal(admission.n_unexplained, 1);
	assert_non_null(strstr(str_text(&admission.warnings), "the manifest says why: we know"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_import_is_refused_by_name_with_the_fix),
		cmocka_unit_test(another_module_than_the_manifests_is_refused),
		cmocka_unit_test(a_function_that_widens_is_warned_about_with_the_reason),
		cmocka_unit_test(a_warning_that_the_manifest_explains_is_no_finding),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
