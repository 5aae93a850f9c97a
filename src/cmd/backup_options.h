/* Options of `ward backup` and `ward restore`. */
#pragma once

enum { BACKUP_STATE, BACKUP_CHECK };
