/* Opens paths that no terminal and no parser should see as they are. */
#include <fcntl.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

int main(void)
{
	static char longest[8192];

	memset(longest, 'x', sizeof(longest) - 1);
	*longest = '/';
	open("/tmp/\x1b[31mred\n\"'\\", O_RDONLY);
	open("/tmp/\xff\xfe", O_RDONLY | O_CREAT, 0600);
	open("/tmp/\xc2\x9b" "31m", O_RDONLY);
	open("../../../../../etc/./passwd", O_RDONLY);
	open(longest, O_RDONLY);
	open((const char *)1, O_RDONLY);
	syscall(SYS_openat, 12345, "relative", 0);
	syscall(SYS_connect, 0, (void *)8, 16);
	syscall(100000, 1, 2, 3);
	return 0;
}
