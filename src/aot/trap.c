/* How guest code ends before its time: a trap that the code itself has found, a page that is not there, a stack that
 * is used up, the host's clock. All of them unwind to engine.c; what was in the instance is thrown away. */
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <ucontext.h>
#include <unistd.h>

#include "aot/aot.h"

#define HANDLER_STACK (64 * 1024)
#define STACK_REACH   (UINT64_C(1) << 20)       /* how far from the stack's end an access is one to the stack */

static const char *const words[WASM_RT_TRAPS] = {
	[WASM_RT_TRAP_NONE] = "no trap",
	[WASM_RT_TRAP_OOB] = "memory access out of bounds, or a table's",
	[WASM_RT_TRAP_INT_OVERFLOW] = "integer overflow",
	[WASM_RT_TRAP_DIV_BY_ZERO] = "divide by zero",
	[WASM_RT_TRAP_INVALID_CONVERSION] = "not a number, where an integer was wanted",
	[WASM_RT_TRAP_UNREACHABLE] = "unreachable",
	[WASM_RT_TRAP_CALL_INDIRECT] = "an indirect call of no function, or of another type",
	[WASM_RT_TRAP_EXHAUSTION] = "call stack exhausted",
};

_Noreturn void aot_leave(void)
{
	aot.running = 0;
	aot.in_host = 0;
	__builtin_longjmp(aot.resume, 1);
}

/* The number of the function that holds the address; false: none does. One that was inlined counts as its caller. */
static bool find_function(const uint8_t *where, uint32_t *out)
{
	const uint8_t *const begin = module_anchor() - module_anchor_at;
	const struct module_symbol *found = NULL;

	if (where < begin || where >= begin + module_end_at)
		return false;
	for (size_t i = 0; i < module_n_symbols && begin + module_symbols[i].at <= where; i++)
		found = &module_symbols[i];
	if (!found || (found->kind == 'e' && found->number >= module_n_export_numbers))
		return false;
	*out = found->kind == 'e' ? module_export_numbers[found->number] : found->number;
	return true;
}

_Noreturn void aot_trap(const char *what, const void *where)
{
	uint32_t number;

	if (find_function(where, &number))
		snprintf(aot.why->text, sizeof(aot.why->text), "%s, in function %u", what, number);
	else
		snprintf(aot.why->text, sizeof(aot.why->text), "%s", what);
	aot_leave();
}

/* A call is the last instruction of a function that does not go on: the address behind it is the next one's. */
void wasm_rt_trap(wasm_rt_trap_t which)
{
	aot_trap(words[which < WASM_RT_TRAPS ? which : WASM_RT_TRAP_NONE], (const uint8_t *)__builtin_return_address(0) - 1);
}

/* An access that no page answers. In the host's own code, or far from memory and stack, it is a mistake of ours or
 * code that is no module's any more: then the process ends. */
static void fault(int number, siginfo_t *info, void *context)
{
	const ucontext_t *const at = context;
	const uintptr_t address = (uintptr_t)info->si_addr, stack = (uintptr_t)at->uc_mcontext.gregs[REG_RSP];
	const void *const where = (const void *)at->uc_mcontext.gregs[REG_RIP];

	if (aot.running && !aot.in_host && info->si_code > 0) {
		if (aot_owns_address(address))
			aot_trap("memory access out of bounds", where);
		if (address + STACK_REACH >= stack && address <= stack + STACK_REACH)
			aot_trap(words[WASM_RT_TRAP_EXHAUSTION], where);
	}
	signal(number, SIG_DFL); /* and back to the instruction */
}

void aot_start_traps(void)
{
	static uint8_t handler_stack[HANDLER_STACK];
	const stack_t stack = { .ss_sp = handler_stack, .ss_size = sizeof(handler_stack) };
	const struct sigaction action = { .sa_sigaction = fault, .sa_flags = SA_SIGINFO | SA_ONSTACK | SA_NODEFER };

	if (sigaltstack(&stack, NULL) < 0 || sigaction(SIGSEGV, &action, NULL) < 0 || sigaction(SIGBUS, &action, NULL) < 0)
		abort();
}

void engine_interrupt(struct engine *engine)
{
	if (!engine || !engine->running)
		return;
	engine->stopped = 1;
	if (!engine->in_host)
		aot_leave();
}

void aot_enter_host(void)
{
	aot.in_host = 1;
	__asm__ volatile("" ::: "memory");
}

void aot_leave_host(void)
{
	__asm__ volatile("" ::: "memory");
	aot.in_host = 0;
	if (aot.stopped)
		aot_leave();
}
