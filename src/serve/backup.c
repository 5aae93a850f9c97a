/* Copies of a state directory. The database first, then what it names: a file that goes meanwhile has lost its row
 * before, and one that comes has none in the copy. Everything is written under another name and renamed at the end. */
#include "serve/backup.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"
#include "serve/backup_list.h"
#include "store/snapshot.h"

#define PIECE ((size_t)256 << 10)
#define PATH_ROOM 4096

/* -- a directory that is being written -- */

struct draft {
	char path[PATH_ROOM];           /* beside the final name */
	const char *final;
	int fd;
	bool is_kept;
	uid_t owner;
	gid_t group;                    /* -1: who writes */
};

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *at)
{
	(void)st;
	(void)type;
	(void)at;
	(void)remove(path);
	return 0;
}

static void draft_done(struct draft *draft)
{
	fd_close_at(&draft->fd);
	if (*draft->path && !draft->is_kept)
		(void)nftw(draft->path, remove_one, 16, FTW_DEPTH | FTW_PHYS | FTW_MOUNT);
}

static int draft_begin(struct draft *draft, const char *final, struct err *e)
{
	size_t len = strlen(final);

	while (len > 1 && final[len - 1] == '/')
		len--;
	if (!len || len + sizeof(".partial") > sizeof(draft->path))
		return err_set(e, ERR_USAGE, "%.60s: no name for a directory", final);
	snprintf(draft->path, sizeof(draft->path), "%.*s.partial", (int)len, final);
	draft->final = final;
	if (mkdir(draft->path, 0700) < 0) {
		const int status = err_sys(e, "make %.200s%s", draft->path,
					   errno == EEXIST ? " (left by one that was interrupted, or another runs now: remove it then)" : "");

		*draft->path = '\0';
		return status;
	}
	draft->fd = open(draft->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	return draft->fd < 0 ? err_sys(e, "open %.200s", draft->path) : 0;
}

/* On the disk before it has its name. An empty directory there is replaced. */
static int draft_keep(struct draft *draft, struct err *e)
{
	if (fchown(draft->fd, draft->owner, draft->group) < 0)
		return err_sys(e, "give %.200s to its owner", draft->path);
	if (syncfs(draft->fd) < 0)
		return err_sys(e, "sync %.200s", draft->path);
	if (rename(draft->path, draft->final) < 0) {
		if (errno == EEXIST || errno == ENOTEMPTY || errno == ENOTDIR)
			return err_set(e, ERR_CONFLICT, "%.200s is there already and not empty", draft->final);
		return err_sys(e, "name it %.200s", draft->final);
	}
	draft->is_kept = true;
	return 0;
}

/* "log/7f" of "log/7f/ID.out", and what is above it. */
static int make_above(const struct draft *draft, const char *path, struct err *e)
{
	for (const char *slash = strchr(path, '/'); slash; slash = strchr(slash + 1, '/')) {
		char above[PLACE_MAX];

		snprintf(above, sizeof(above), "%.*s", (int)(slash - path), path);
		if (mkdirat(draft->fd, above, 0700) == 0) {
			if (fchownat(draft->fd, above, draft->owner, draft->group, AT_SYMLINK_NOFOLLOW) < 0)
				return err_sys(e, "%s", above);
		} else if (errno != EEXIST) {
			return err_sys(e, "%s", above);
		}
	}
	return 0;
}

/* -- bytes -- */

/* A file is read as far as it went when it was opened: output of a job that runs still grows. to = -1 reads alone. */
static int copy(int from, int to, struct digest *digest, uint64_t *bytes, struct err *e)
{
	OWN_MEM char *piece = mem_raw(PIECE);
	struct sha256 hash;
	struct stat st;
	uint64_t left;

	if (fstat(from, &st) < 0)
		return err_sys(e, "look at it");
	if (!S_ISREG(st.st_mode))
		return err_set(e, ERR_SYSTEM, "no regular file");
	sha256_init(&hash);
	for (left = (uint64_t)st.st_size; left;) {
		const ssize_t n = read(from, piece, left < PIECE ? (size_t)left : PIECE);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return n < 0 ? err_sys(e, "read") : err_set(e, ERR_SYSTEM, "it became shorter while it was read");
		sha256_add(&hash, piece, (size_t)n);
		if (to >= 0 && fd_write_all(to, piece, (size_t)n, e) < 0)
			return err_add(e, "write");
		left -= (uint64_t)n;
	}
	*digest = sha256_end(&hash);
	*bytes = (uint64_t)st.st_size;
	return 0;
}

static int make_file(const struct draft *draft, const char *path, struct err *e)
{
	OWN_FD int fd = -1;

	if (make_above(draft, path, e) < 0)
		return -1;
	fd = openat(draft->fd, path, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (fd < 0)
		return err_sys(e, "make it");
	return fchown(fd, draft->owner, draft->group) < 0 ? err_sys(e, "give it to its owner") : TAKE_FD(fd);
}

static void count(struct backup *backup, uint64_t bytes)
{
	backup->files++;
	backup->bytes += bytes;
	if (backup->tell)
		backup->tell(backup->at, backup);
}

static void found_damaged(struct backup *backup, const char *path)
{
	backup->damaged++;
	if (backup->tell_damaged)
		backup->tell_damaged(backup->at, path);
}

/* -- making one -- */

struct making {
	struct backup *backup;
	struct draft draft;
	int state_fd;
	struct snapshot *copied, *live;
	FILE *list;
};

static int add_line(struct making *m, const struct backup_line *line, struct err *e)
{
	OWN(str) text = STR_NONE;

	backup_line_write(line, &text);
	return fputs(str_text(&text), m->list) < 0 ? err_sys(e, "write %s", BACKUP_LIST) : 0;
}

/* 1: there is no such file. */
static int take_file(struct making *m, struct backup_line *line, uint64_t *bytes, struct err *e)
{
	OWN_FD int from = openat(m->state_fd, line->path, O_RDONLY | O_NOFOLLOW | O_CLOEXEC), to = -1;

	if (from < 0)
		return errno == ENOENT ? 1 : err_sys(e, "open %s", line->path);
	to = make_file(&m->draft, line->path, e);
	if (to < 0 || copy(from, to, &line->digest, bytes, e) < 0)
		return err_add(e, "%s", line->path);
	count(m->backup, *bytes);
	return add_line(m, line, e);
}

static int take_blob(struct making *m, const struct snapshot_file *file, struct err *e)
{
	struct backup_line line;
	uint64_t bytes = 0;
	int missing, named;

	place_name(PLACE_BLOB, &file->file, line.path);
	missing = take_file(m, &line, &bytes, e);
	if (missing < 0)
		return -1;
	if (!missing) {
		if (!digest_is(&line.digest, &file->digest) || bytes != file->bytes)
			found_damaged(m->backup, line.path);
		return 0;
	}
	named = snapshot_names(m->live, file, e);
	if (named < 0)
		return -1;
	if (named)
		found_damaged(m->backup, line.path);
	else
		m->backup->gone++;
	return 0;
}

static int take_log(struct making *m, const struct snapshot_file *file, struct err *e)
{
	static const enum place all[] = { PLACE_STDOUT, PLACE_STDERR, PLACE_MIX };

	for (size_t i = 0; i < sizeof(all) / sizeof(*all); i++) {
		struct backup_line line;
		uint64_t bytes;

		place_name(all[i], &file->file, line.path);
		if (take_file(m, &line, &bytes, e) < 0)
			return -1;
	}
	return 0;
}

static int take_files(struct making *m, struct err *e)
{
	struct snapshot_file file;
	int more;

	while ((more = snapshot_next(m->copied, &file, e)) == 1)
		if ((file.kind == STORE_TRASH_BLOB ? take_blob(m, &file, e) : take_log(m, &file, e)) < 0)
			return -1;
	return more;
}

static int take_database(struct making *m, const char *state, struct err *e)
{
	struct backup_line line = { .path = BACKUP_DATABASE };
	char live[PATH_ROOM], copied[PATH_ROOM + 16];
	OWN_FD int fd = -1;
	uint64_t bytes;

	if (snprintf(live, sizeof(live), "%s/%s", state, BACKUP_DATABASE) >= (int)sizeof(live))
		return err_set(e, ERR_USAGE, "%.60s: too long a path", state);
	snprintf(copied, sizeof(copied), "%s/%s", m->draft.path, BACKUP_DATABASE);
	if (snapshot_take(live, copied, e) < 0 || snapshot_open(live, false, &m->live, e) < 0 ||
	    snapshot_open(copied, true, &m->copied, e) < 0 || snapshot_count(m->copied, &m->backup->jobs, e) < 0)
		return -1;
	fd = openat(m->draft.fd, BACKUP_DATABASE, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0)
		return err_sys(e, "open %s", copied);
	return copy(fd, -1, &line.digest, &bytes, e) < 0 ? err_add(e, "%s", copied) : add_line(m, &line, e);
}

static int open_list(struct making *m, struct err *e)
{
	OWN_FD int fd = make_file(&m->draft, BACKUP_LIST, e);

	if (fd < 0)
		return err_add(e, "%s", BACKUP_LIST);
	m->list = fdopen(fd, "w");
	if (!m->list)
		return err_sys(e, "%s", BACKUP_LIST);
	(void)TAKE_FD(fd);
	return 0;
}

static int make(struct making *m, const char *state, const char *out, struct err *e)
{
	struct stat there;

	if (lstat(out, &there) == 0)
		return err_set(e, ERR_CONFLICT, "%.200s is there already: give another name", out);
	m->state_fd = open(state, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (m->state_fd < 0)
		return err_sys(e, "open the state directory %.200s", state);
	if (faccessat(m->state_fd, BACKUP_DATABASE, R_OK, AT_EACCESS) < 0)
		return err_sys(e, "%.200s/%s; is that a state directory of `ward serve`?", state, BACKUP_DATABASE);
	if (draft_begin(&m->draft, out, e) < 0 || open_list(m, e) < 0 || take_database(m, state, e) < 0 || take_files(m, e) < 0)
		return -1;
	if (fflush(m->list) != 0)
		return err_sys(e, "write %s", BACKUP_LIST);
	/* The connection goes first: it may write beside its database until then. */
	snapshot_close(m->copied);
	m->copied = NULL;
	return draft_keep(&m->draft, e);
}

int backup_make(struct backup *backup, const char *state, const char *out, struct err *e)
{
	struct making m = { .backup = backup, .draft = { .fd = -1, .owner = (uid_t)-1, .group = (gid_t)-1 }, .state_fd = -1 };
	const int status = make(&m, state, out, e);

	if (m.list)
		fclose(m.list);
	snapshot_close(m.live);
	snapshot_close(m.copied);
	draft_done(&m.draft);
	fd_close(m.state_fd);
	return status;
}

/* -- reading one -- */

/* to = NULL: reads alone. */
static int take_back(struct backup *backup, int from_fd, const struct draft *to, const struct backup_line *line, struct err *e)
{
	OWN_FD int from = fd_open_below(from_fd, line->path, O_RDONLY | O_NOFOLLOW, e), into = -1;
	struct digest digest;
	uint64_t bytes;

	if (from < 0)
		return err_add(e, "%s", line->path);
	if (to) {
		into = make_file(to, line->path, e);
		if (into < 0)
			return err_add(e, "%s", line->path);
	}
	if (copy(from, into, &digest, &bytes, e) < 0)
		return err_add(e, "%s", line->path);
	if (!digest_is(&digest, &line->digest))
		return err_set(e, ERR_SYSTEM, "%s is not what %s says: this backup is damaged", line->path, BACKUP_LIST);
	if (strcmp(line->path, BACKUP_DATABASE) != 0)
		count(backup, bytes);
	return 0;
}

static int read_list(struct backup *backup, int from_fd, FILE *list, const struct draft *to, struct err *e)
{
	char line[BACKUP_LINE];
	unsigned at = 0;

	while (fgets(line, sizeof(line), list)) {
		const size_t len = strlen(line);
		struct backup_line one;

		at++;
		if (!len || line[len - 1] != '\n' || !backup_line_read(line, len - 1, &one))
			return err_set(e, ERR_USAGE, "%s:%u: no line of a backup of ward's", BACKUP_LIST, at);
		if (take_back(backup, from_fd, to, &one, e) < 0)
			return -1;
	}
	if (ferror(list))
		return err_sys(e, "read %s", BACKUP_LIST);
	return at ? 0 : err_set(e, ERR_USAGE, "%s is empty", BACKUP_LIST);
}

/* Every blob is where the database says, and is that blob. */
static int compare(struct backup *backup, const char *dir, int dir_fd, struct err *e)
{
	char path[PATH_ROOM + 16];
	struct snapshot *snapshot;
	struct snapshot_file file;
	int more;

	if (snprintf(path, sizeof(path), "%s/%s", dir, BACKUP_DATABASE) >= (int)sizeof(path))
		return err_set(e, ERR_USAGE, "%.60s: too long a path", dir);
	if (snapshot_open(path, true, &snapshot, e) < 0)
		return -1;
	more = snapshot_count(snapshot, &backup->jobs, e) < 0 ? -1 : 1;
	while (more == 1 && (more = snapshot_next(snapshot, &file, e)) == 1) {
		char name[PLACE_MAX];
		OWN_FD int fd = -1;
		struct digest digest;
		uint64_t bytes;

		if (file.kind != STORE_TRASH_BLOB)
			continue;
		place_name(PLACE_BLOB, &file.file, name);
		fd = openat(dir_fd, name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
		if (fd < 0 || copy(fd, -1, &digest, &bytes, e) < 0 || !digest_is(&digest, &file.digest))
			found_damaged(backup, name);
	}
	snapshot_close(snapshot);
	return more;
}

static int open_backup(const char *from, FILE **list, struct err *e)
{
	OWN_FD int fd = open(from, O_RDONLY | O_DIRECTORY | O_CLOEXEC), list_fd = -1;

	if (fd < 0)
		return err_sys(e, "open the backup %.200s", from);
	list_fd = fd_open_below(fd, BACKUP_LIST, O_RDONLY | O_NOFOLLOW, e);
	if (list_fd < 0)
		return err_add(e, "%.200s is no backup of ward's", from);
	*list = fdopen(list_fd, "r");
	if (!*list)
		return err_sys(e, "%s", BACKUP_LIST);
	(void)TAKE_FD(list_fd);
	return TAKE_FD(fd);
}

int backup_check(struct backup *backup, const char *from, struct err *e)
{
	FILE *list = NULL;
	OWN_FD int fd = open_backup(from, &list, e);
	int status;

	if (fd < 0)
		return -1;
	status = read_list(backup, fd, list, NULL, e);
	fclose(list);
	return status < 0 ? -1 : compare(backup, from, fd, e);
}

/* Nothing, or an empty directory. */
static bool is_free(const char *path)
{
	struct stat there;
	DIR *const dir = opendir(path);
	int n = 0;

	if (!dir)
		return lstat(path, &there) < 0;
	while (n < 3 && readdir(dir))
		n++;
	closedir(dir);
	return n < 3;
}

int backup_restore(struct backup *backup, const char *from, const char *state, uid_t owner, gid_t group, struct err *e)
{
	struct draft draft = { .fd = -1, .owner = owner, .group = group };
	FILE *list = NULL;
	OWN_FD int fd = open_backup(from, &list, e);
	int status = -1;

	if (fd < 0)
		return -1;
	/* Said before the work; the rename at the end decides. */
	if (!is_free(state))
		status = err_set(e, ERR_CONFLICT, "%.200s is there already and not empty: a state is never overwritten", state);
	else if (draft_begin(&draft, state, e) == 0 && read_list(backup, fd, list, &draft, e) == 0 &&
		 compare(backup, draft.path, draft.fd, e) == 0)
		status = draft_keep(&draft, e);
	fclose(list);
	draft_done(&draft);
	return status;
}
