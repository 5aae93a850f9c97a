/* A user of its own for each box, when ward may choose. */
#pragma once

#include <stdint.h>

/* An id that is mapped in ward's user namespace, as user and as group, that nobody has and no other
 * running box has. In a namespace of few ids it may be shared with another box (never with a user
 * below the upper half); 65534 when there is none at all. */
uint32_t box_id_choose(void);

/* The same for given maps, as /proc/PID/uid_map writes them, and a process id. Pure. */
uint32_t box_id_from(const char *uid_map, const char *gid_map, uint32_t pid);
