/* What a job leaves behind piece by piece: in memory while it is little, in a file as soon as it is more. What is little is
 * committed with the result, in its row: most jobs write so little that making and syncing a file cost more than the rest. */
#pragma once

#include <stdbool.h>
#include <sys/types.h>

#include "base/sha256.h"
#include "serve/place.h"

#define SPOOL_SMALL 4096

struct spool {
	enum place place;
	int fd;                 /* of the file, until it is kept */
	bool is_file;           /* all of it is there, be it ever so little: a disk may fill just then */
	char *small;            /* NULL: nothing came, or it is in the file */
	uint64_t kept;
};
#define SPOOL_NONE ((struct spool){ .fd = -1 })

/* One of a job's two streams. */
struct written {
	struct spool spool;
	uint64_t seen, cap;     /* all that came; how much of it is kept */
	struct sha256 hash;     /* of what is kept */
};

/* Errors: ERR_SYSTEM (full disk): what is kept is as before */
MUST_USE int spool_add(struct spool *spool, int state_fd, const struct store_id *id, const char *bytes, size_t n,
		       struct err *e);

/* Bytes from offset on; -1 when they are in the file. */
ssize_t spool_read(const struct spool *spool, uint64_t offset, char *bytes, size_t max);

/* What lies in memory, for the row; a NULL pointer when it is in the file. */
struct store_bytes spool_small(const struct spool *spool);

/* Removes the file. */
void spool_forget(struct spool *spool, int state_fd, const struct store_id *id);
void spool_done(struct spool *spool);
