/* Names of functions from ELF files. The file is the program's: every number in it is bounded, and nothing
 * of it is mapped. */
#pragma once

#include <stdint.h>
#include <stddef.h>

#define SYMBOL_NAME 128

/* A place whose function is wanted. */
struct symbol_want {
	uint64_t offset;                /* in the file */
	char name[SYMBOL_NAME];         /* filled; "" where no function is known to lie there. Printable ASCII */
};

/* Looks in .symtab and .dynsym of an ELF file for 64-bit x86, once for all. What is no such file, or not a
 * sound one, names nothing.
 *
 * fd  of a regular file; its position is not used */
void symbols_find(int fd, struct symbol_want *wants, size_t n);
