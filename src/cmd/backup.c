/* `ward backup` and `ward restore`: copies of a service's state. */
#include "serve/backup.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/loop.h"
#include "base/str.h"
#include "cmd/backup_options.h"
#include "cmd/command.h"
#include "cmd/say.h"
#include "cmd/state_dir.h"

#define TELL_US 200000

/* A line that is written over itself; only people watch it. */
struct progress {
	bool is_shown;
	uint64_t due_us;
};

static void show(void *at, const struct backup *backup)
{
	struct progress *const progress = at;
	const uint64_t now = loop_now_us();

	if (!isatty(STDERR_FILENO) || now < progress->due_us)
		return;
	progress->due_us = now + TELL_US;
	progress->is_shown = true;
	fprintf(stderr, "\r%" PRIu64 " files, %" PRIu64 " MB ", backup->files, backup->bytes / 1000000);
}

static void show_damaged(void *at, const char *path)
{
	struct progress *const progress = at;

	if (progress->is_shown)
		fputc('\n', stderr);
	progress->is_shown = false;
	say(SAY_ERROR, "%s is missing, or not what the database says", path);
}

static int report(const struct backup *backup, const struct progress *progress, const char *what, const char *where, struct err *e)
{
	OWN(str) line = STR_NONE;

	if (progress->is_shown)
		fputs("\r\033[K", stderr);
	str_addf(&line, "%s %s: %" PRIu64 " jobs, %" PRIu64 " files, %" PRIu64 " bytes", where, what, backup->jobs, backup->files,
		 backup->bytes);
	if (backup->gone)
		str_addf(&line, "; %" PRIu64 " files were removed meanwhile, with their jobs", backup->gone);
	if (backup->damaged)
		str_addf(&line, "; %" PRIu64 " files are damaged", backup->damaged);
	str_add(&line, "\n");
	if (say_out(STDOUT_FILENO, "standard output", &line, e) < 0)
		return -1;
	return backup->damaged ? CODE_FINDINGS : 0;
}

static const char *state_of(const struct args *args)
{
	const struct opt_hit *const hit = args_find(args, BACKUP_STATE);

	return hit ? hit->value : state_dir_usual();
}

static int one_operand(const struct args *args, const char *what, struct err *e)
{
	if (args->n_operands != 1)
		return err_set(e, ERR_USAGE, "it takes one name: %s", what);
	return 0;
}

int command_backup_run(struct args *args, struct err *e)
{
	struct progress progress = { .is_shown = false };
	struct backup backup = { .tell = show, .tell_damaged = show_damaged, .at = &progress };
	const bool is_check = args_has(args, BACKUP_CHECK);
	int status;

	if (one_operand(args, is_check ? "a backup's" : "the backup's", e) < 0)
		return -1;
	status = is_check ? backup_check(&backup, args->operands[0], e) : backup_make(&backup, state_of(args), args->operands[0], e);
	if (progress.is_shown && status < 0)
		fputc('\n', stderr);
	return status < 0 ? -1 : report(&backup, &progress, is_check ? "read" : "made", args->operands[0], e);
}

/* Who had the directory that is there keeps it; root gives a new one to the front. */
static void choose_owner(const char *state, uid_t *owner, gid_t *group)
{
	struct stat st;

	*owner = (uid_t)-1;
	*group = (gid_t)-1;
	if (geteuid() != 0)
		return;
	*owner = *group = FRONT_ID;
	if (lstat(state, &st) == 0 && st.st_uid != 0) {
		*owner = st.st_uid;
		*group = st.st_gid;
	}
}

int command_restore_run(struct args *args, struct err *e)
{
	struct progress progress = { .is_shown = false };
	struct backup backup = { .tell = show, .tell_damaged = show_damaged, .at = &progress };
	const char *const state = state_of(args);
	uid_t owner;
	gid_t group;
	int status;

	if (one_operand(args, "the backup's", e) < 0)
		return -1;
	choose_owner(state, &owner, &group);
	status = backup_restore(&backup, args->operands[0], state, owner, group, e);
	if (status < 0 && e->sys == EINVAL && owner == FRONT_ID) {
		backup.files = backup.bytes = backup.damaged = 0;
		status = backup_restore(&backup, args->operands[0], state, FRONT_NOBODY, FRONT_NOBODY, e);
	}
	if (progress.is_shown && status < 0)
		fputc('\n', stderr);
	return status < 0 ? -1 : report(&backup, &progress, "restored", state, e);
}
