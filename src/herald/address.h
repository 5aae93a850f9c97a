/* Which addresses belong to the world at large. Pure. */
#pragma once

#include <stdbool.h>
#include <sys/socket.h>

/* False for addresses of this machine, of private and special networks, of documentation, of groups, and for every
 * IPv6 form that holds such an IPv4 address. Source: IANA's special-purpose address registries, RFC 6890. */
bool address_is_public(const struct sockaddr *address);
