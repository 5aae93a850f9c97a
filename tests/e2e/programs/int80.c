/* getpid by the i386 entry. */
int main(void)
{
	long result;

	__asm__ volatile("int $0x80" : "=a"(result) : "a"(20L) : "memory");
	return result > 0 ? 0 : 1;
}
