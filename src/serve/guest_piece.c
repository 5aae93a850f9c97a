/* A guest's frames, cut at the head and then as bytes come. */
#include "serve/guest_piece.h"

#include <string.h>

#define HEAD ((size_t)8)        /* isolate/channel.c: kind, length */

static const uint32_t most[GUEST_KINDS] = {
#define GUEST(name, from_guest, bytes) [GUEST_##name] = (bytes),
#include "isolate/channel.def"
#undef GUEST
};

static bool may_come(uint32_t kind)
{
	return kind == GUEST_STDOUT || kind == GUEST_STDERR || kind == GUEST_RESULT || kind == GUEST_ERROR;
}

static int take_head(struct frame_reader *reader, struct guest_place *place)
{
	uint32_t head[2];

	if (reader->n - reader->taken < HEAD)
		return 0;
	memcpy(head, reader->bytes + reader->taken, HEAD);
	if (!may_come(head[0]) || head[1] > most[head[0]])
		return -1;
	reader->taken += HEAD;
	*place = (struct guest_place){ true, (enum guest_kind)head[0], head[1] };
	return 1;
}

int guest_piece_take(struct frame_reader *reader, struct guest_place *place, struct guest_piece *out)
{
	const int status = place->is_inside ? 1 : take_head(reader, place);
	const size_t have = reader->n - reader->taken, n = have < place->left ? have : place->left;

	if (status <= 0)
		return status;
	if (place->left && (!n || (place->kind == GUEST_ERROR && n < place->left)))
		return 0;
	*out = (struct guest_piece){ place->kind, reader->bytes + reader->taken, n, n == place->left };
	reader->taken += n;
	place->left -= (uint32_t)n;
	place->is_inside = place->left;
	return 1;
}
