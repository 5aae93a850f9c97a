/* The files of a group: their text, what is set in them (and read back), what is counted there. */
#include "mech/cgroup_tree.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/sysinfo.h>
#include <unistd.h>

#include "base/mem.h"

void tree_close_fd(int fd)
{
	const int saved = errno;

	if (fd >= 0)
		close(fd);
	errno = saved;
}

void tree_close_at(const int *fd)
{
	tree_close_fd(*fd);
}

int tree_read(int dir_fd, const char *file, char *out, size_t cap)
{
	TREE_FD int fd = openat(dir_fd, file, O_RDONLY | O_CLOEXEC);
	ssize_t got = fd < 0 ? -1 : 1;
	size_t len = 0;

	while (got > 0 && len < cap - 1) {
		got = read(fd, out + len, cap - 1 - len);
		len += got > 0 ? (size_t)got : 0;
	}
	out[got < 0 ? 0 : len] = 0;
	return got < 0 ? -1 : (int)len;
}

int tree_write(int dir_fd, const char *file, const char *text)
{
	TREE_FD int fd = openat(dir_fd, file, O_WRONLY | O_CLOEXEC);

	ssize_t put = -1;

	/* A tracer's signal interrupts the reclaim behind a memory limit. */
	while (fd >= 0 && (put = write(fd, text, strlen(text))) < 0 && errno == EINTR)
		;
	return put < 0 ? -1 : 0;
}

static const char *next_line(const char *text)
{
	text = strchrnul(text, '\n');
	return *text ? text + 1 : text;
}

const char *tree_next_line(const char *text, struct tree_line *out)
{
	const char *end = strchrnul(text, '\n'), *controllers = strchr(text, ':'), *path;

	path = controllers && controllers < end ? strchr(controllers + 1, ':') : NULL;
	if (!path || path > end || path[1] != '/')
		return NULL;
	*out = (struct tree_line){controllers + 1, path + 1, (int)(path - controllers - 1),
				  (int)(end - path - 1)};
	return next_line(end);
}

const char *tree_after(const char *text, const char *start)
{
	for (; *text; text = next_line(text))
		if (strncmp(text, start, strlen(start)) == 0)
			return text + strlen(start);
	return NULL;
}

bool tree_has(const char *text, const char *start, const char *word)
{
	const size_t len = strlen(word);
	const char *at = text;

	while ((at = tree_after(at, start)) != NULL && *at != ' ' && *at != '\n')
		at = next_line(at);
	if (!at || !*word)
		return at != NULL;
	for (; *at == ' '; at += 1 + strcspn(at + 1, " \n"))
		if (strncmp(at + 1, word, len) == 0 && (at[1 + len] == ' ' || at[1 + len] == '\n'))
			return true;
	return false;
}

bool tree_number(const char *text, uint64_t *out)
{
	char *end;

	errno = 0;
	const uint64_t number = strtoull(text, &end, 10);
	if (*text < '0' || *text > '9' || errno || !strchr(" \n", *end))
		return false;
	*out = number;
	return true;
}

uint64_t tree_sum(const char *text, const char *word)
{
	uint64_t sum = 0;

	while ((text = strstr(text, word)) != NULL)
		sum += strtoull(text += strlen(word), NULL, 10);
	return sum;
}

/* Partitions are offered too, and the kernel refuses them; loop, ram and zram end in a disk or in
 * memory. */
const char *tree_next_disk(const char *text, char *device, size_t cap)
{
	unsigned major, minor;
	char name[64];

	for (; *text; text = next_line(text)) {
		if (sscanf(text, " %u %u %*u %63s", &major, &minor, name) != 3 ||
		    strncmp(name, "loop", 4) == 0 || strncmp(name, "ram", 3) == 0 ||
		    strncmp(name, "zram", 4) == 0)
			continue;
		snprintf(device, cap, "%u:%u", major, minor);
		return next_line(text);
	}
	return NULL;
}

/* Writes a text and reads back whether the file now has a line that begins so and has that word. */
static int set(int dir_fd, const char *file, const char *text, const char *start, const char *word,
	       struct err *e)
{
	TREE_FD int fd = openat(dir_fd, file, O_RDWR | O_CLOEXEC);
	char kept[TREE_TEXT];
	ssize_t len;

	if (fd < 0 || write(fd, text, strlen(text)) < 0)
		return err_sys(e, "cgroup: %s = %s", file, text);
	if ((len = pread(fd, kept, sizeof(kept) - 1, 0)) < 0)
		return err_sys(e, "cgroup: %s cannot be read back", file);
	kept[len] = 0;
	if (!tree_has(kept, start, word))
		return err_set(e, ERR_SYSTEM, "cgroup: %s = %s: the kernel kept %.60s", file, text,
			       kept);
	return 0;
}

static int set_number(int dir_fd, const char *file, uint64_t value, uint64_t kept, struct err *e)
{
	char text[24], back[24];

	snprintf(text, sizeof(text), "%ju", (uintmax_t)value);
	snprintf(back, sizeof(back), "%ju", (uintmax_t)kept);
	return set(dir_fd, file, text, back, "", e);
}

/* v1 limits memory and swap together, in one number: memory has to be set before. */
static int set_swap(int dir_fd, bool v2, uint64_t value, struct err *e)
{
	const char *file = v2 ? "memory.swap.max" : "memory.memsw.limit_in_bytes";
	uint64_t memory = 0;
	struct sysinfo info;
	char text[64];

	const bool is_there = faccessat(dir_fd, file, F_OK, 0) == 0;
	if (!is_there && value == 0 && sysinfo(&info) == 0 && info.totalswap == 0)
		return 0; /* not accounted, and there is none to use */
	if (!is_there)
		return err_set(e, ERR_UNSUPPORTED,
			       "this kernel does not account swap: boot with "
			       "swapaccount=1, or run swapoff -a and ask for swap 0");
	if (!v2 && (tree_read(dir_fd, "memory.limit_in_bytes", text, sizeof(text)) < 0 ||
		    !tree_number(text, &memory) || memory > INT64_MAX / 2))
		return err_set(e, ERR_CONFLICT,
			       "cgroup v1 limits swap only together with memory: "
			       "set a memory limit as well");
	return set_number(dir_fd, file, memory + value, (memory + value) & ~4095ULL, e);
}

static int set_cpus(int dir_fd, bool v2, uint64_t thousandths, struct err *e)
{
	/* a quota below 1 ms is refused: kernel/sched/core.c, min_cfs_quota_period */
	const uint64_t period = thousandths < 10 ? 1000000 : 100000;
	const uint64_t quota = period / 1000 * thousandths;
	char text[48];

	snprintf(text, sizeof(text), "%ju %ju", (uintmax_t)quota, (uintmax_t)period);
	if (v2)
		return set(dir_fd, "cpu.max", text, text, "", e);
	if (set_number(dir_fd, "cpu.cfs_period_us", period, period, e) < 0)
		return -1;
	return set_number(dir_fd, "cpu.cfs_quota_us", quota, quota, e);
}

static int set_disks(int dir_fd, bool v2, bool writes, uint64_t value, struct err *e)
{
	const char *v1_file =
	    writes ? "blkio.throttle.write_bps_device" : "blkio.throttle.read_bps_device";
	const char *key = !v2 ? "" : writes ? "wbps=" : "rbps=";
	char list[4 * TREE_TEXT], device[32], word[32], text[64];
	const int len = tree_read(AT_FDCWD, "/proc/partitions", list, sizeof(list));
	int n = 0;

	if (len < 0 || len == sizeof(list) - 1)
		return err_sys(e, "cgroup: /proc/partitions");
	snprintf(word, sizeof(word), "%s%ju", key, (uintmax_t)value);
	for (const char *at = list; (at = tree_next_disk(at, device, sizeof(device))) != NULL;
	     n++) {
		snprintf(text, sizeof(text), "%s %s", device, word);
		if (set(dir_fd, v2 ? "io.max" : v1_file, text, device, word, e) == 0)
			continue;
		if (e->sys != ENODEV && e->sys != ENXIO)
			return -1;
		n--; /* a partition, or a disk that nobody can use now */
	}
	return n ? 0
		 : err_set(e, ERR_UNSUPPORTED, "there is no disk to limit: leave io limits out");
}

int tree_set(int dir_fd, bool v2, enum cgroup_limit limit, uint64_t value, struct err *e)
{
	switch (limit) {
	case CGROUP_MEMORY:
		/* no program expects to lose one of its processes at random (Linux 4.19) */
		if (v2)
			tree_write(dir_fd, "memory.oom.group", "1");
		return set_number(dir_fd, v2 ? "memory.max" : "memory.limit_in_bytes", value,
				  value & ~4095ULL, e);
	case CGROUP_SWAP:
		return set_swap(dir_fd, v2, value, e);
	case CGROUP_PIDS:
		return set_number(dir_fd, "pids.max", value, value, e);
	case CGROUP_CPUS:
		return set_cpus(dir_fd, v2, value, e);
	case CGROUP_IO_READ:
	case CGROUP_IO_WRITE:
		return set_disks(dir_fd, v2, limit == CGROUP_IO_WRITE, value, e);
	default: /* CPU_TIME: that the group exists is enough */
		return 0;
	}
}

#define FIELD(name) offsetof(struct cgroup_usage, name)
#define PIDS        CGROUP_BIT(CGROUP_PIDS)
#define CPU_TIME    CGROUP_BIT(CGROUP_CPU_TIME)
static const struct counter {
	bool v1, v2;
	uint32_t limits, have;  /* of the directory; the USAGE_* bit it brings */
	const char *file, *key; /* "": the file is a number; with a space first: all behind it */
	size_t field;
	uint32_t times, by; /* from the file's unit to the field's */
} counters[] = {
    {1, 0, CPU_TIME, USAGE_CPU, "cpuacct.usage", "", FIELD(cpu_us), 1, 1000},
    {1, 0, CPU_TIME, USAGE_CPU, "cpuacct.stat", "user ", FIELD(user_us), 10000, 1}, /* USER_HZ is 100 */
    {1, 0, CPU_TIME, USAGE_CPU, "cpuacct.stat", "system ", FIELD(system_us), 10000, 1},
    {1, 0, TREE_MEMORY, USAGE_MEMORY_NOW, "memory.usage_in_bytes", "", FIELD(memory_bytes), 1, 1},
    {1, 0, TREE_MEMORY, USAGE_MEMORY, "memory.max_usage_in_bytes", "", FIELD(memory_peak_bytes), 1, 1},
    {1, 0, TREE_MEMORY, USAGE_OOM, "memory.oom_control", "oom_kill ", FIELD(oom_kills), 1, 1},
    {1, 0, TREE_IO, USAGE_IO, "blkio.throttle.io_service_bytes", " Read ", FIELD(read_bytes), 1, 1},
    {1, 0, TREE_IO, USAGE_IO, "blkio.throttle.io_service_bytes", " Write ", FIELD(write_bytes), 1, 1},
    {1, 1, PIDS, USAGE_PIDS_NOW, "pids.current", "", FIELD(pids), 1, 1},
    {1, 1, PIDS, USAGE_PIDS, "pids.peak", "", FIELD(pids_peak), 1, 1}, /* 6.1 */
    {1, 1, PIDS, USAGE_REFUSED, "pids.events", "max ", FIELD(pids_refused), 1, 1},
    {0, 1, CPU_TIME, USAGE_CPU, "cpu.stat", "usage_usec ", FIELD(cpu_us), 1, 1},
    {0, 1, CPU_TIME, USAGE_CPU, "cpu.stat", "user_usec ", FIELD(user_us), 1, 1},
    {0, 1, CPU_TIME, USAGE_CPU, "cpu.stat", "system_usec ", FIELD(system_us), 1, 1},
    {0, 1, TREE_MEMORY, USAGE_MEMORY_NOW, "memory.current", "", FIELD(memory_bytes), 1, 1},
    {0, 1, TREE_MEMORY, USAGE_MEMORY, "memory.peak", "", FIELD(memory_peak_bytes), 1, 1}, /* 5.19 */
    {0, 1, TREE_MEMORY, USAGE_OOM, "memory.events", "oom_kill ", FIELD(oom_kills), 1, 1},
    {0, 1, TREE_IO, USAGE_IO, "io.stat", " rbytes=", FIELD(read_bytes), 1, 1},
    {0, 1, TREE_IO, USAGE_IO, "io.stat", " wbytes=", FIELD(write_bytes), 1, 1},
};

void tree_usage(int dir_fd, bool v2, uint32_t limits, struct cgroup_usage *out)
{
	const char *held = "";
	char text[TREE_TEXT];
	int len = -1;

	for (const struct counter *row = counters; row < counters + ARRAY_SIZE(counters); row++) {
		if (!(v2 ? row->v2 : row->v1) || !(row->limits & limits) ||
		    (row->have & (USAGE_MEMORY_NOW | USAGE_PIDS_NOW) && !(limits & CGROUP_NOW)))
			continue;
		if (strcmp(row->file, held) != 0)
			len = tree_read(dir_fd, row->file, text, sizeof(text));
		held = row->file;
		if (len < 0 || len == TREE_TEXT - 1)
			continue; /* a cut file would count too low */
		const char *at = tree_after(text, row->key);
		uint64_t number = *row->key == ' ' ? tree_sum(text, row->key) : 0;
		if (*row->key != ' ' && (!at || !tree_number(at, &number)))
			continue;
		number = number * row->times / row->by;
		memcpy((char *)out + row->field, &number, sizeof(number));
		out->have |= row->have;
	}
}
