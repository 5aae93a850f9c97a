/* api/jail: what the kernel lets a process do that sits in the front's jail. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>

#include <grp.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include <cmocka.h>

#include "../mech/child.h"
#include "api/jail.h"

static char place[64];

/* As the launcher leaves it: an ordinary user, in the state directory. */
static void enter(struct jail *jail)
{
	struct err e = ERR_INIT;

	if (CHILD_SANITIZED)
		child_cannot("sanitizers make calls of their own");
	EXPECT(chdir(place) == 0);
	if (geteuid() == 0)
		EXPECT(setgroups(0, NULL) == 0 && setresgid(65534, 65534, 65534) == 0 && setresuid(65534, 65534, 65534) == 0);
	if (jail_enter(jail, &e) < 0 && e.kind == ERR_UNSUPPORTED)
		child_cannot(e.text);
	EXPECT(e.kind == ERR_NONE);
}

static bool opens(const char *path, int flags)
{
	const int fd = open(path, flags | O_CLOEXEC, 0600);

	if (fd >= 0)
		close(fd);
	return fd >= 0;
}

static void use_files(void)
{
	struct jail jail;

	enter(&jail);
	EXPECT(strspn(jail.effective, "0") == strlen(jail.effective) && !strcmp(jail.no_new_privs, "1") && !strcmp(jail.seccomp, "2"));
	EXPECT(opens("store", O_RDWR | O_CREAT) && opens("store", O_RDONLY) && mkdir("log", 0700) == 0 && rmdir("log") == 0);
	EXPECT(unlink("store") == 0);
	EXPECT(!opens("/", O_RDONLY) && errno == EACCES);
	EXPECT(!opens("..", O_RDONLY) && errno == EACCES);
	EXPECT(!opens("/etc/passwd", O_RDONLY) && errno == EACCES);
	EXPECT(!opens("/proc/self/status", O_RDONLY) && errno == EACCES);
	EXPECT(!opens("/tmp/ward-jail-test", O_RDWR | O_CREAT) && errno == EACCES);
	EXPECT(!opens("/dev/null", O_RDWR) && errno == EACCES);
	EXPECT(!opens("../../../../etc/passwd", O_RDONLY) && errno == EACCES);
}

static void a_file_is_reached_beneath_its_directory_alone(void **state)
{
	(void)state;
	child_succeeds(use_files);
}

static void look_at_limits(void)
{
	struct rlimit limit;
	struct jail jail;

	enter(&jail);
	EXPECT(getrlimit(RLIMIT_CORE, &limit) == 0 && limit.rlim_max <= 1); /* 1: not to a program either; core(5) */
	EXPECT(getrlimit(RLIMIT_NOFILE, &limit) == 0 && limit.rlim_max <= 16384);
}

static void it_leaves_no_core(void **state)
{
	(void)state;
	child_succeeds(look_at_limits);
}

static void execute(void)
{
	struct jail jail;

	enter(&jail);
	execl("/bin/true", "true", (char *)NULL);
}

static void connect_somewhere(void)
{
	struct jail jail;

	enter(&jail);
	(void)!socket(AF_INET, SOCK_STREAM, 0);
}

static void signal_its_parent(void)
{
	struct jail jail;

	enter(&jail);
	(void)!kill(getppid(), SIGCONT);
}

static void what_it_has_no_use_for_ends_it(void **state)
{
	(void)state;
	child_is_killed(execute, SIGSYS);
	child_is_killed(connect_somewhere, SIGSYS);
	child_is_killed(signal_its_parent, SIGSYS);
}

static void enter_as_root(void)
{
	struct err e = ERR_INIT;
	struct jail jail;

	if (geteuid() != 0)
		child_enter_namespaces(0);
	EXPECT(jail_enter(&jail, &e) < 0 && e.kind == ERR_DENIED && strstr(e.text, "never root"));
}

static void root_does_not_get_in(void **state)
{
	(void)state;
	child_succeeds(enter_as_root);
}

static int make_place(void **state)
{
	(void)state;
	strcpy(place, "/tmp/ward-jail-XXXXXX");
	return mkdtemp(place) && chmod(place, 0777) == 0 ? 0 : -1;
}

static int remove_place(void **state)
{
	(void)state;
	return rmdir(place);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_file_is_reached_beneath_its_directory_alone),
		cmocka_unit_test(it_leaves_no_core),
		cmocka_unit_test(what_it_has_no_use_for_ends_it),
		cmocka_unit_test(root_does_not_get_in),
	};
	return cmocka_run_group_tests(tests, make_place, remove_place);
}
