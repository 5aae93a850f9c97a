/* Lengths are written seven bits a byte, lowest first, with the eighth bit where another follows (LEB128). */
#include "serve/mix.h"

static size_t put(char *out, uint64_t n)
{
	size_t len = 0;

	for (; n > 0x7f; n >>= 7)
		out[len++] = (char)(0x80 | (n & 0x7f));
	out[len++] = (char)n;
	return len;
}

int mix_add(struct mix *mix, bool is_err, size_t n, int state_fd, const struct store_id *id, struct err *e)
{
	char bytes[2 * MIX_LENGTH_MAX];
	size_t len = 0;

	if (!mix->has_begun || mix->is_err == is_err) {
		mix->has_begun = true;
		mix->is_err = is_err;
		mix->run += n;
		return 0;
	}
	if (!mix->spool.kept && mix->is_err)
		len = put(bytes, 0); /* standard error came first */
	len += put(bytes + len, mix->run);
	if (spool_add(&mix->spool, state_fd, id, bytes, len, e) < 0)
		return -1;
	mix->is_err = is_err;
	mix->run = n;
	return 0;
}

size_t mix_read(const char *bytes, size_t n, uint64_t *out)
{
	uint64_t value = 0;

	for (size_t i = 0; i < n && i < MIX_LENGTH_MAX; i++) {
		value |= (uint64_t)(bytes[i] & 0x7f) << (7 * i);
		if (!(bytes[i] & 0x80)) {
			*out = value;
			return i + 1;
		}
	}
	return 0;
}
