/* Notes of guests. Refuses to leave a way to them in a guest that goes on. */
#include "v8/note.h"

#include <sys/mman.h>
#include <time.h>

/* The seals tell here, and there is one in a process. */
static struct {
	struct note *at, *mine;
	size_t n;
} notes;

int notes_open(size_t n, struct err *e)
{
	void *const at = mmap(NULL, n * sizeof(struct note), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	if (at == MAP_FAILED)
		return err_sys(e, "memory for the notes of guests");
	notes.at = at;
	notes.n = n;
	return 0;
}

void note_choose(size_t i)
{
	notes.mine = i < notes.n ? &notes.at[i] : NULL;
}

struct note note_of(size_t i)
{
	return i < notes.n ? notes.at[i] : (struct note){ 0 };
}

void note_layer(unsigned layer)
{
	if (notes.mine)
		notes.mine->layers |= UINT64_C(1) << layer;
}

int note_done(struct err *e)
{
	struct timespec used = { 0 };

	if (notes.mine) {
		if (clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &used) < 0)
			return err_sys(e, "clock_gettime");
		notes.mine->begun_us = (uint64_t)used.tv_sec * 1000000 + (uint64_t)used.tv_nsec / 1000;
	}
	if (notes.at && munmap(notes.at, notes.n * sizeof(struct note)) < 0)
		return err_sys(e, "munmap");
	notes.at = notes.mine = NULL;
	notes.n = 0;
	return 0;
}
