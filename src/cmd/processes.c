/* Walks /proc from parent to child. Processes come and go meanwhile: what is gone is passed over. */
#include "cmd/processes.h"

#include <dirent.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>

#include "base/mem.h"

struct process {
	int pid, parent;
	char name[17];
};

/* "pid (name) state parent ...", where the name may hold anything. */
static int read_process(const char *pid, struct process *out)
{
	char path[64], text[512];
	const char *open, *close;
	FILE *file;
	size_t n;

	snprintf(path, sizeof(path), "/proc/%.20s/stat", pid);
	file = fopen(path, "re");
	if (!file)
		return -1;
	n = fread(text, 1, sizeof(text) - 1, file);
	fclose(file);
	text[n] = '\0';
	open = strchr(text, '(');
	close = strrchr(text, ')');
	if (!open || !close || close < open || sscanf(close + 1, " %*c %d", &out->parent) != 1)
		return -1;
	out->pid = atoi(pid);
	snprintf(out->name, sizeof(out->name), "%.*s", (int)(close - open) - 1, open + 1);
	return 0;
}

/* All processes, allocated. */
static struct process *list(size_t *n)
{
	DIR *const proc = opendir("/proc");
	struct process *found = NULL;
	const struct dirent *entry;
	size_t cap = 0;

	*n = 0;
	while (proc && (entry = readdir(proc))) {
		if (*entry->d_name < '1' || *entry->d_name > '9')
			continue;
		found = mem_grow(found, &cap, *n + 1, sizeof(*found));
		if (read_process(entry->d_name, &found[*n]) == 0)
			++*n;
	}
	if (proc)
		closedir(proc);
	return found;
}

/* Moves the process and its descendants to the front; returns how many there are. */
static size_t gather(struct process *all, size_t n, int pid)
{
	size_t kept = 0;
	bool grew = true;

	while (grew) {
		grew = false;
		for (size_t i = kept; i < n; i++) {
			bool below = all[i].pid == pid;

			for (size_t k = 0; k < kept && !below; k++)
				below = all[i].parent == all[k].pid;
			if (!below)
				continue;
			const struct process found = all[i];
			all[i] = all[kept];
			all[kept++] = found;
			grew = true;
		}
	}
	return kept;
}

static bool has_named(int pid, const char *name)
{
	size_t n;
	OWN_MEM struct process *all = list(&n);
	const size_t kept = gather(all, n, pid);

	for (size_t i = 0; i < kept; i++)
		if (strcmp(all[i].name, name) == 0)
			return true;
	return false;
}

int processes_wait_for(int pid, const char *name, struct err *e)
{
	const struct timespec nap = { .tv_nsec = 10000000 };

	for (int i = 0; i < 1000; i++) {
		siginfo_t ended = { .si_pid = 0 };

		if (has_named(pid, name))
			return 0;
		if (waitid(P_PID, (id_t)pid, &ended, WEXITED | WNOHANG | WNOWAIT) == 0 && ended.si_pid)
			return err_set(e, ERR_SYSTEM, "ended before %s was there", name);
		nanosleep(&nap, NULL);
	}
	return err_set(e, ERR_SYSTEM, "no %s after ten seconds", name);
}

static uint64_t memory_of(int pid)
{
	char path[64], line[128];
	uint64_t kib = 0;
	FILE *file;

	snprintf(path, sizeof(path), "/proc/%d/smaps_rollup", pid);
	file = fopen(path, "re");
	while (file && !kib && fgets(line, sizeof(line), file))
		if (strncmp(line, "Pss:", 4) == 0)
			kib = strtoull(line + 4, NULL, 10);
	if (file)
		fclose(file);
	return kib * 1024;
}

uint64_t processes_memory(int pid)
{
	size_t n;
	OWN_MEM struct process *all = list(&n);
	const size_t kept = gather(all, n, pid);
	uint64_t sum = 0;

	for (size_t i = 0; i < kept; i++) {
		const uint64_t bytes = memory_of(all[i].pid);

		if (!bytes)
			return 0;
		sum += bytes;
	}
	return sum;
}
