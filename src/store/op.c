/* One operation from the caller's thread to the writer's and back. */
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "store/writer.h"

struct op *op_new(op_run *run, size_t input, store_done *done, void *at)
{
	struct op *const op = mem_alloc(sizeof(*op));

	op->run = run;
	op->done = done;
	op->at = at;
	op->input = arena_alloc(&op->arena, input);
	op->is_durable = true;
	return op;
}

void op_free(struct op *op)
{
	arena_done(&op->arena);
	free(op->changes);
	free(op);
}

void op_submit(struct store *store, struct op *op)
{
	pthread_mutex_lock(&store->lock);
	if (store->is_closing) {
		pthread_mutex_unlock(&store->lock);
		op_free(op);
		return;
	}
	*store->last = op;
	store->last = &op->next;
	pthread_mutex_unlock(&store->lock);
	store->has_gathered |= store->is_gathering;
	if (!store->is_gathering)
		pthread_cond_signal(&store->wake); /* behind it: whoever is woken wants the lock */
	if (store->options.is_inline)
		(void)!eventfd_write(store->done_fd, 1);
}

void store_gather(struct store *store)
{
	store->is_gathering = true;
}

void store_go(struct store *store)
{
	if (store->has_gathered)
		pthread_cond_signal(&store->wake);
	store->is_gathering = store->has_gathered = false;
}

struct store_item *op_items(struct op *op, size_t n)
{
	op->items = arena_alloc(&op->arena, n * sizeof(*op->items));
	op->answer.items = op->items;
	op->answer.n_items = n;
	return op->items;
}

struct store_bytes op_copy(struct op *op, struct store_bytes bytes)
{
	return (struct store_bytes){ arena_copy(&op->arena, bytes.len ? bytes.at : "", bytes.len), bytes.len };
}

const char *op_text(struct op *op, const char *text)
{
	return text ? arena_copy(&op->arena, text, strlen(text)) : "";
}
