/* serve/dispatch_zygote: guests are ordered of a zygote that has room for them, and of another before it is spent. */
#include "serve/dispatch_parts.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/fd.h"
#include "base/mem.h"

#define MIB ((uint64_t)1 << 20)

/* A scheduler of one class, and the launcher's end. */
struct scene {
	struct dispatch *d;
	int launcher_fd;
};

static int begin(void **state)
{
	struct scene *const scene = mem_alloc(sizeof(*scene));
	int ends[2];

	assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends), 0);
	scene->launcher_fd = ends[1];
	scene->d = mem_alloc(sizeof(*scene->d));
	scene->d->setup.launcher_fd = ends[0];
	scene->d->setup.stats = mem_alloc(sizeof(struct stats));
	scene->d->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	scene->d->n_classes = 1;
	scene->d->next_box = 1;
	scene->d->classes[0].guests_memory_bytes = 100 * MIB;
	scene->d->pools[0].zygotes[0] = scene->d->pools[0].zygotes[1] = ZYGOTE_NONE;
	*state = scene;
	return 0;
}

static int end(void **state)
{
	struct scene *const scene = *state;

	zygotes_leave(scene->d);
	close(scene->d->epoll_fd);
	close(scene->d->setup.launcher_fd);
	close(scene->launcher_fd);
	stats_done(scene->d->setup.stats);
	free(scene->d->setup.stats);
	free(scene->d);
	free(scene);
	return 0;
}

/* What the launcher was asked for; its runner's end in *fd. */
static uint64_t ordered(const struct scene *scene, int *fd)
{
	struct order order;
	struct err e = ERR_INIT;
	size_t n = 0;

	*fd = -1;
	assert_int_equal(fd_receive(scene->launcher_fd, &order, sizeof(order), fd, 1, &n, &e), sizeof(order));
	assert_true(order_is_sound(&order, sizeof(order)) && order.kind == ORDER_ZYGOTE && n == 1);
	return order.box;
}

static void guests_never_have_more_than_their_box(void **state)
{
	struct scene *const scene = *state;
	struct zygote *const zygote = zygotes_find(scene->d, 0, 60 * MIB);
	struct slot guest = { .is_guest = true, .memory_bytes = 60 * MIB };
	int fd;

	assert_non_null(zygote);
	guest.zygote = ordered(scene, &fd);
	assert_int_equal(zygote->box, guest.zygote);
	zygote->memory_bytes += guest.memory_bytes;
	assert_null(zygotes_find(scene->d, 0, 60 * MIB));
	assert_ptr_equal(zygotes_find(scene->d, 0, 40 * MIB), zygote);
	zygotes_release(scene->d, &guest);
	assert_ptr_equal(zygotes_find(scene->d, 0, 60 * MIB), zygote);
	close(fd);
}

static void a_zygote_is_replaced_before_it_is_spent(void **state)
{
	struct scene *const scene = *state;
	struct zygote *zygote = zygotes_find(scene->d, 0, MIB);
	int fd, next_fd;
	const uint64_t first = ordered(scene, &fd);
	uint64_t next;
	char byte;

	zygote->given = ZYGOTE_GUESTS - ZYGOTE_AHEAD;
	assert_int_equal(zygotes_find(scene->d, 0, MIB)->box, first);
	next = ordered(scene, &next_fd);
	assert_true(next != first);
	zygote->given = ZYGOTE_GUESTS;
	zygote = zygotes_find(scene->d, 0, MIB);
	assert_int_equal(zygote->box, next);
	assert_int_equal(zygote->given, 0);
	/* The old one hears that no more will come, and so ends with its last guest. */
	assert_int_equal(recv(fd, &byte, 1, MSG_DONTWAIT), 0);
	close(fd);
	close(next_fd);
}

static void one_that_is_gone_is_followed_by_another(void **state)
{
	struct scene *const scene = *state;
	const uint64_t tag = (uint64_t)1 << 63;
	int fd;
	uint64_t box;

	assert_non_null(zygotes_find(scene->d, 0, MIB));
	box = ordered(scene, &fd);
	close(fd);
	assert_true(zygotes_event(scene->d, tag | box));
	assert_int_equal(scene->d->pools[0].zygotes[0].box, 0);
	assert_int_equal(scene->d->pools[0].failures, 1);
	assert_non_null(zygotes_find(scene->d, 0, MIB));
	assert_true(ordered(scene, &fd) > box);
	close(fd);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(guests_never_have_more_than_their_box, begin, end),
		cmocka_unit_test_setup_teardown(a_zygote_is_replaced_before_it_is_spent, begin, end),
		cmocka_unit_test_setup_teardown(one_that_is_gone_is_followed_by_another, begin, end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
