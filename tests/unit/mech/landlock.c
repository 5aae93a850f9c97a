/* mech/landlock: what is handled and not granted is refused, to root as well. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include <cmocka.h>

#include "child.h"
#include "mech/drop.h"
#include "mech/landlock.h"

#define READ_FILE  (UINT64_C(1) << 2)
#define READ_DIR   (UINT64_C(1) << 3)
#define WRITE_FILE (UINT64_C(1) << 1)
#define MAKE_REG   (UINT64_C(1) << 8)
#define HANDLED    (READ_FILE | READ_DIR | WRITE_FILE | MAKE_REG)

static void need_abi(int abi)
{
	errno = ENOSYS;
	if (landlock_abi() < abi)
		child_cannot("this kernel's Landlock is too old or off");
}

static char dir[64];

static const char *at(const char *name)
{
	static char path[96];

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	return path;
}

static int set_up(void **state)
{
	static const char *const files[] = { "in/a", "out/b", "single" };

	(void)state;
	strcpy(dir, "/tmp/ward-landlock-XXXXXX");
	assert_non_null(mkdtemp(dir));
	assert_int_equal(mkdir(at("in"), 0755), 0);
	assert_int_equal(mkdir(at("out"), 0755), 0);
	for (size_t i = 0; i < 3; i++) {
		const int fd = open(at(files[i]), O_WRONLY | O_CREAT | O_CLOEXEC, 0644);

		assert_true(fd >= 0);
		close(fd);
	}
	return 0;
}

static int tear_down(void **state)
{
	static const char *const names[] = { "in/a", "in/new", "out/b", "single", "late" };

	(void)state;
	for (size_t i = 0; i < 5; i++)
		unlink(at(names[i]));
	rmdir(at("in"));
	rmdir(at("out"));
	return rmdir(dir);
}

static bool opens(const char *name, int flags)
{
	const int fd = open(at(name), flags | O_CLOEXEC, 0644);

	if (fd >= 0)
		close(fd);
	else
		EXPECT(errno == EACCES);
	return fd >= 0;
}

static void rule(int rules, const char *name, uint64_t rights)
{
	struct err e = ERR_INIT;

	EXPECT(landlock_add_path(rules, at(name), false, rights, &e) == 0);
}

static void enter(int rules)
{
	struct err e = ERR_INIT;

	EXPECT(drop_new_privs(&e) == 0 && landlock_enter(rules, &e) == 0);
	EXPECT(fcntl(rules, F_GETFD) == -1); /* closed */
}

static int begin(uint64_t files, uint64_t ports)
{
	struct err e = ERR_INIT;
	const int rules = landlock_new(files, ports, 0, &e);

	EXPECT(rules >= 0 && fcntl(rules, F_GETFD) == FD_CLOEXEC);
	return rules;
}

static void grant_a_directory_and_a_file(void)
{
	int rules;

	need_abi(1);
	rules = begin(HANDLED, 0);
	rule(rules, "in", READ_FILE | MAKE_REG | WRITE_FILE);
	rule(rules, "single", HANDLED); /* a file takes the rights files have */
	enter(rules);
	EXPECT(opens("in/a", O_RDONLY) && opens("in/a", O_WRONLY) && opens("in/new", O_WRONLY | O_CREAT));
	EXPECT(opens("single", O_RDWR));
	EXPECT(!opens("out/b", O_RDONLY) && !opens("in", O_RDONLY | O_DIRECTORY) && !opens("late", O_WRONLY | O_CREAT));
	EXPECT(open("/etc/passwd", O_RDONLY) == -1 && errno == EACCES);
}

static void beneath_a_path_its_rights_hold_and_nowhere_else(void **state)
{
	(void)state;
	child_succeeds(grant_a_directory_and_a_file);
}

static void grant_what_is_not_there(void)
{
	int rules, fd;

	need_abi(1);
	rules = begin(READ_FILE, 0);
	rule(rules, "late", READ_FILE);
	fd = open(at("late"), O_WRONLY | O_CREAT | O_CLOEXEC, 0644);
	EXPECT(fd >= 0);
	close(fd);
	enter(rules);
	EXPECT(!opens("late", O_RDONLY));
}

static void a_path_that_does_not_exist_grants_nothing(void **state)
{
	(void)state;
	child_succeeds(grant_what_is_not_there);
}

static void grant_unhandled(void)
{
	struct err e = ERR_INIT;
	int rules;

	need_abi(1);
	rules = begin(READ_FILE, 0);
	EXPECT(landlock_add_path(rules, dir, false, READ_DIR, &e) == -1 && e.sys == EINVAL);
	/* a directory's right on a file, once masked, is none */
	EXPECT(landlock_add_path(rules, at("single"), false, READ_DIR, &e) == 0);
}

static void a_right_that_is_not_handled_cannot_be_granted(void **state)
{
	(void)state;
	child_succeeds(grant_unhandled);
}

static void enter_with_new_privileges(void)
{
	struct err e = ERR_INIT;
	int rules;

	need_abi(1);
	if (geteuid() == 0 && setresuid(4321, 4321, 4321) < 0)
		child_cannot("cannot become an ordinary user");
	rules = begin(READ_FILE, 0);
	EXPECT(landlock_enter(rules, &e) == -1 && e.sys == EPERM);
	EXPECT(fcntl(rules, F_GETFD) == -1); /* closed all the same */
}

static void an_ordinary_user_must_have_given_up_new_privileges(void **state)
{
	(void)state;
	child_succeeds(enter_with_new_privileges);
}

static int bind_at(uint16_t port)
{
	const struct sockaddr_in address = { .sin_family = AF_INET, .sin_port = htons(port),
					     .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	int status;

	EXPECT(fd >= 0);
	status = bind(fd, (const struct sockaddr *)&address, sizeof(address));
	close(fd);
	return status;
}

static void grant_a_port(void)
{
	struct err e = ERR_INIT;
	int rules;

	need_abi(4);
	child_enter_namespaces(CLONE_NEWNET); /* whose ports are all free */
	rules = begin(0, 3);
	EXPECT(landlock_add_port(rules, 8080, 1, &e) == 0);
	EXPECT(landlock_add_port(rules, 8081, 4, &e) == -1 && e.sys == EINVAL);
	enter(rules);
	EXPECT(bind_at(8081) == -1 && errno == EACCES);
	EXPECT(bind_at(0) == -1 && errno == EACCES);
	EXPECT(bind_at(8080) == -1 ? errno != EACCES : true); /* lo is down: EADDRNOTAVAIL is the network's */
}

static void a_port_that_is_not_listed_cannot_be_bound(void **state)
{
	(void)state;
	child_succeeds(grant_a_port);
}

static void signal_outside(void)
{
	struct err e = ERR_INIT;
	const pid_t parent = getppid();
	int rules;

	need_abi(6);
	rules = landlock_new(0, 0, 3, &e);
	EXPECT(rules >= 0);
	enter(rules);
	EXPECT(kill(parent, 0) == -1 && errno == EPERM);
	EXPECT(kill(getpid(), 0) == 0);
}

static void a_scope_keeps_signals_inside(void **state)
{
	(void)state;
	child_succeeds(signal_outside);
}

static void grant_through_a_link(void)
{
	struct err e = ERR_INIT;
	const int rules = landlock_new(READ_DIR, 0, 0, &e);

	EXPECT(rules >= 0);
	/* /proc/self is one */
	EXPECT(landlock_add_path(rules, "/proc/self", true, READ_DIR, &e) == -1);
	EXPECT(landlock_add_path(rules, "/proc/self", false, READ_DIR, &e) == 0);
}

static void an_exact_path_has_no_link_on_it(void **state)
{
	(void)state;
	child_succeeds(grant_through_a_link);
}

static void an_unknown_right_is_refused(void **state)
{
	struct err e = ERR_INIT;

	(void)state;
	assert_int_equal(landlock_new(UINT64_C(1) << 60, 0, 0, &e), -1);
	assert_int_equal(e.kind, ERR_SYSTEM);
	assert_int_equal(landlock_add_path(-1, "/", false, READ_DIR, &e), -1);
	assert_int_equal(landlock_enter(-1, &e), -1);
}

#define with_files(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		with_files(beneath_a_path_its_rights_hold_and_nowhere_else),
		with_files(a_path_that_does_not_exist_grants_nothing),
		with_files(a_right_that_is_not_handled_cannot_be_granted),
		cmocka_unit_test(an_ordinary_user_must_have_given_up_new_privileges),
		cmocka_unit_test(a_port_that_is_not_listed_cannot_be_bound),
		cmocka_unit_test(a_scope_keeps_signals_inside),
		cmocka_unit_test(an_exact_path_has_no_link_on_it),
		cmocka_unit_test(an_unknown_right_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
