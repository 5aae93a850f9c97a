/* getpid by the x32 table. */
#include <unistd.h>
#include <sys/syscall.h>

int main(void)
{
	return syscall(0x40000000 + SYS_getpid) > 0 ? 0 : 1;
}
