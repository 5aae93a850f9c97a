/* Bytes and numbers of the binary format. */
#include "wasm/cursor.h"

uint8_t cursor_byte(struct cursor *in)
{
	if (in->at >= in->end) {
		in->bad = true;
		return 0;
	}
	return in->bytes[in->at++];
}

uint64_t cursor_number(struct cursor *in, unsigned bits)
{
	uint64_t n = 0;

	for (unsigned shift = 0; shift < bits; shift += 7) {
		const uint8_t byte = cursor_byte(in);
		const unsigned left = bits - shift;

		if (left < 7 && (byte & 0x7f) >> left)
			break;
		n |= (uint64_t)(byte & 0x7f) << shift;
		if (!(byte & 0x80))
			return n;
	}
	in->bad = true;
	return 0;
}
