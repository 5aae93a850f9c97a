/* What bench/wasm computes, native and as a module: hashing, matrices, a list, recursion. Prints nothing; the exit
 * code depends on all of it, so that no compiler leaves any out. */
#include <stdint.h>

#define N 160

static uint32_t hash(uint32_t rounds)
{
	uint32_t a = 1, b = 2, c = 3;

	for (uint32_t i = 0; i < rounds; i++) {
		a = (a << 13 | a >> 19) + (b ^ c) + i;
		b = (b << 7 | b >> 25) ^ (a + c);
		c += (a & b) | (~a & c);
	}
	return a ^ b ^ c;
}

static double x[N][N], y[N][N], z[N][N];

static uint32_t matrices(void)
{
	for (int i = 0; i < N; i++)
		for (int k = 0; k < N; k++)
			x[i][k] = i + k, y[i][k] = i - k;
	for (int i = 0; i < N; i++)
		for (int k = 0; k < N; k++) {
			double sum = 0;

			for (int j = 0; j < N; j++)
				sum += x[i][j] * y[j][k];
			z[i][k] = sum;
		}
	return (uint32_t)(int64_t)z[N / 2][N / 3];
}

static uint32_t next[1 << 16];

static uint32_t list(uint32_t steps)
{
	uint32_t at = 0, sum = 0;

	for (uint32_t i = 0; i < 1 << 16; i++)
		next[i] = (i * 40503u + 7) & 0xffff;
	while (steps--)
		sum += at = next[at];
	return sum;
}

static uint32_t __attribute__((noinline)) fib(uint32_t n)
{
	return n < 2 ? n : fib(n - 1) + fib(n - 2);
}

static uint32_t mix(void)
{
	return hash(40000000) + matrices() * 3 + list(30000000) + fib(34);
}

#if defined(PLUGIN)
volatile uint32_t mixed;

void run(void)
{
	mixed = mix();
}
#elif defined(__wasm__)
__attribute__((import_module("wasi_snapshot_preview1"), import_name("proc_exit"))) _Noreturn void proc_exit(uint32_t code);

void _start(void)
{
	proc_exit(mix() & 63);
}
#else
int main(void)
{
	return (int)(mix() & 63);
}
#endif
