/* What a parked engine is told: any bytes are refused in one line, or are lists that lie within them, end, and together are
 * all that came. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "isolate/words.h"

#include "require.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

/* The bytes of a list, and that each of its words lies within the text. */
static size_t bytes_of(char **list, size_t n, const char *text, size_t len)
{
	size_t sum = 0;

	for (size_t i = 0; i < n; i++) {
		require_that(list[i] >= text && list[i] < text + len && list[i] + strlen(list[i]) < text + len);
		sum += strlen(list[i]) + 1;
	}
	require_that(!list[n]);
	return sum;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	OWN_MEM char *text = mem_raw(len + 1);
	OWN(words) words = WORDS_NONE;
	struct err e = ERR_INIT;

	memcpy(text, data, len);
	text[len] = '\0';
	if (words_read(text, len, &words, &e) < 0) {
		require_error(&e);
		return 0;
	}
	require_that(words.argc >= 2 && words.argc + words.n_variables <= WORDS_MAX);
	require_that((size_t)atol(words.all[0]) == words.n_variables);
	/* argv[0] is the last variable, or the number where there is none. */
	require_that(words.argv[0] == words.all[words.n_variables]);
	require_that(bytes_of(words.variables, words.n_variables, text, len) + bytes_of(words.argv + 1, words.argc - 1, text, len) +
			     strlen(words.all[0]) + 1 == len);
	return 0;
}
