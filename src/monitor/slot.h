/* A slot of the resident monitor: a process parked inside a fresh cgroup, so that the box it will start
 * is born there. It meets one client, becomes that user, starts one box, keeps it, and ends. */
#pragma once

#include "mech/cgroup.h"
#include "model/plan.h"

/* A parked slot's whole life.
 *
 * wait_fd  where the monitor sends the client's connection, once
 * cgroup   the caller is in it already; its limits are this process's to set, its removal is not */
_Noreturn void slot_live(int wait_fd, struct cgroup *cgroup, const struct ceiling *ceiling);
