#include "isolate/words.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

void words_done(struct words *words)
{
	free(words->all);
	free(words->variables);
	*words = WORDS_NONE;
}

static int refuse(struct err *e)
{
	return err_set(e, ERR_USAGE, "the words of the job are none");
}

/* A number as ward-step writes it: digits alone, and no more of them than words. */
static bool read_count(const char *text, size_t *out)
{
	size_t n = 0;

	for (const char *c = text; *c; c++) {
		if (*c < '0' || *c > '9' || n > WORDS_MAX)
			return false;
		n = n * 10 + (size_t)(*c - '0');
	}
	*out = n;
	return *text;
}

/* Words in a row, NULL behind them. */
static int cut(char *text, size_t len, char **all, size_t *n, struct err *e)
{
	for (*n = 0; len; (*n)++) {
		const size_t one = strlen(text) + 1;

		if (*n == WORDS_MAX || one > len)
			return refuse(e);
		all[*n] = text;
		text += one;
		len -= one;
	}
	all[*n] = NULL;
	return 0;
}

int words_read(char *text, size_t len, struct words *out, struct err *e)
{
	OWN(words) words = WORDS_NONE;
	size_t n;

	words.all = mem_alloc((WORDS_MAX + 1) * sizeof(*words.all));
	if (cut(text, len, words.all, &n, e) < 0)
		return -1;
	if (!n || !read_count(words.all[0], &words.n_variables) || words.n_variables + 1 >= n)
		return refuse(e);
	words.variables = mem_alloc((words.n_variables + 1) * sizeof(*words.variables));
	memcpy(words.variables, words.all + 1, words.n_variables * sizeof(*words.variables));
	words.argv = words.all + words.n_variables;
	words.argc = n - words.n_variables;
	*out = TAKE(words, WORDS_NONE);
	return 0;
}
