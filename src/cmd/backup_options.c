/* The rows of `ward backup` and `ward restore`; what they do is linked into ward-archive. */
#include "cmd/backup_options.h"

#include "cmd/command.h"

#define STATE_ROW \
	{ .name = "state", .letter = 's', .kind = OPT_VALUE, .arg = "DIR", .group = "Service", .words = OPT_PATHS, \
	  .id = BACKUP_STATE, .help = "the service's state directory; default: as `ward serve`" }

static const struct opt backup_options[] = {
	STATE_ROW,
	{ .name = "check", .group = "Service", .id = BACKUP_CHECK, .help = "read a backup instead, all of it, and say whether it is whole" },
	COMMAND_HELP,
};
const struct command command_backup = {
	.name = "backup",
	.summary = "copy a service's state while it runs, or check such a copy",
	.usage = "[option]... DIR",
	.about = "DIR is made, whole or not at all: the database at one moment, the files it names, and SHA256SUMS. Exit code 1: "
		 "it was made or read, and a file is not what the database says.",
	.options = backup_options,
	.trouble = CODE_SETUP,
};

static const struct opt restore_options[] = {
	STATE_ROW,
	COMMAND_HELP,
};
const struct command command_restore = {
	.name = "restore",
	.summary = "make a service's state out of a backup",
	.usage = "[option]... BACKUP",
	.about = "The state directory must not be there, or be empty: nothing is overwritten. Every byte is checked before it "
		 "gets its name. Jobs that had not ended when the backup was made run when the service starts.",
	.options = restore_options,
	.trouble = CODE_SETUP,
};
