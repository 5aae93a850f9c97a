/* What is not surely public is not public: an unknown family, too. */
#include "herald/address.h"

#include <netinet/in.h>
#include <stdint.h>
#include <string.h>

#include "base/mem.h"

static const struct {
	uint32_t net;
	unsigned bits;
} special4[] = {
	{ 0x00000000, 8 }, { 0x0a000000, 8 }, { 0x64400000, 10 }, { 0x7f000000, 8 }, { 0xa9fe0000, 16 }, { 0xac100000, 12 },
	{ 0xc0000000, 24 }, { 0xc0000200, 24 }, { 0xc0586300, 24 }, { 0xc0a80000, 16 }, { 0xc6120000, 15 }, { 0xc6336400, 24 },
	{ 0xcb007100, 24 }, { 0xe0000000, 3 },
};

static bool is_public4(uint32_t address)
{
	for (size_t i = 0; i < ARRAY_SIZE(special4); i++)
		if ((address ^ special4[i].net) >> (32 - special4[i].bits) == 0)
			return false;
	return true;
}

/* Only 2000::/3 is given out; of that these are not the world's, or hold an IPv4 address that may lead anywhere. */
static const struct {
	uint8_t bytes[6];
	unsigned bits;
} special6[] = {
	{ { 0x20, 0x01, 0x00, 0x00 }, 23 },     /* protocols: Teredo, ORCHID, ... */
	{ { 0x20, 0x01, 0x0d, 0xb8 }, 32 },     /* documentation */
	{ { 0x20, 0x02 }, 16 },                 /* 6to4 */
	{ { 0x3f, 0xff }, 20 },                 /* documentation */
};

static bool has_prefix(const uint8_t *bytes, const uint8_t *prefix, unsigned bits)
{
	const unsigned whole = bits / 8, rest = bits % 8;

	return memcmp(bytes, prefix, whole) == 0 && (!rest || (bytes[whole] ^ prefix[whole]) >> (8 - rest) == 0);
}

static bool is_public6(const uint8_t bytes[16])
{
	if (bytes[0] >> 5 != 1)
		return false;
	for (size_t i = 0; i < ARRAY_SIZE(special6); i++)
		if (has_prefix(bytes, special6[i].bytes, special6[i].bits))
			return false;
	return true;
}

bool address_is_public(const struct sockaddr *address)
{
	struct sockaddr_in v4;
	struct sockaddr_in6 v6;

	if (address->sa_family == AF_INET) {
		memcpy(&v4, address, sizeof(v4));
		return is_public4(ntohl(v4.sin_addr.s_addr));
	}
	if (address->sa_family != AF_INET6)
		return false;
	memcpy(&v6, address, sizeof(v6));
	return is_public6(v6.sin6_addr.s6_addr);
}
