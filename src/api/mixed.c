/* Runs that were read are walked over, so that a reader who comes back with two offsets goes on where they say. */
#include "api/mixed.h"

#include "serve/mix.h"

/* The run that is being read: true and how much is left of it; false: it is the open one. */
static bool run_left(struct mixed *mixed, struct tail *tail, uint64_t *left)
{
	char bytes[MIX_LENGTH_MAX];
	uint64_t len = 0;

	for (;;) {
		const unsigned which = mixed->is_err;
		const uint64_t done = mixed->offsets[which] - mixed->ended[which];
		const size_t n = mix_read(bytes, tail_read(tail, TAIL_MIX, mixed->at, bytes, sizeof(bytes)), &len);

		if (!n)
			return false;
		if (len > done) {
			*left = len - done;
			return true;
		}
		mixed->ended[which] += len;
		mixed->at += n;
		mixed->is_err = !which;
	}
}

size_t mixed_peek(struct mixed *mixed, struct tail *tail, void *bytes, size_t max, unsigned *which, bool *is_whole)
{
	uint64_t left = UINT64_MAX;
	const bool is_closed = run_left(mixed, tail, &left);
	size_t n;

	*which = mixed->is_err ? TAIL_ERR : TAIL_OUT;
	/* Without a length one stream alone was used. */
	if (!is_closed && !mixed->at && !tail_size(tail, TAIL_OUT))
		*which = TAIL_ERR;
	n = tail_read(tail, *which, mixed->offsets[*which], bytes, left < max ? (size_t)left : max);
	*is_whole = is_closed && n == left;
	return n;
}
