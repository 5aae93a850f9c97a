/* A reader of ELF symbol tables by pread(2). Refuses to believe a size: what is larger than any honest file
 * would have is not read. Source: elf(5). */
#include "engine/symbols.h"

#include <elf.h>
#include <stdbool.h>
#include <string.h>
#include <unistd.h>

#include "base/mem.h"

#define SECTIONS_MAX 2048
#define SEGMENTS_MAX 64
#define SYMBOLS_MAX  ((uint64_t)2 << 20)        /* of all tables together */
#define CHUNK        1024

/* A want where symbols have it. */
struct target {
	uint64_t address;
	uint64_t best;                  /* where the function begins that was found so far */
	struct symbol_want *want;
};

struct elf {
	int fd;
	Elf64_Ehdr head;
	Elf64_Phdr segments[SEGMENTS_MAX];
	struct target *targets;         /* in order of address: a program has a hundred thousand symbols */
	size_t n;
	uint64_t left;                  /* symbols that may still be read */
};

static bool get(int fd, void *out, size_t n, uint64_t at)
{
	return at <= INT64_MAX - n && pread(fd, out, n, (off_t)at) == (ssize_t)n;
}

static bool read_head(struct elf *elf)
{
	Elf64_Ehdr *const head = &elf->head;

	return get(elf->fd, head, sizeof(*head), 0) && !memcmp(head->e_ident, ELFMAG, SELFMAG) &&
	       head->e_ident[EI_CLASS] == ELFCLASS64 && head->e_ident[EI_DATA] == ELFDATA2LSB &&
	       head->e_machine == EM_X86_64 && head->e_phentsize == sizeof(Elf64_Phdr) &&
	       head->e_shentsize == sizeof(Elf64_Shdr) && head->e_phnum && head->e_phnum <= SEGMENTS_MAX &&
	       head->e_shnum && head->e_shnum <= SECTIONS_MAX &&
	       get(elf->fd, elf->segments, head->e_phnum * sizeof(Elf64_Phdr), head->e_phoff);
}

/* The first target at or behind an address. */
static size_t find_target(const struct elf *elf, uint64_t address)
{
	size_t low = 0, high = elf->n;

	while (low < high) {
		const size_t middle = (low + high) / 2;

		if (elf->targets[middle].address < address)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

/* In order: qsort() asks for the size of memory, which a ward that watches may not. */
static void add_target(struct elf *elf, uint64_t address, struct symbol_want *want)
{
	const size_t at = find_target(elf, address);

	memmove(&elf->targets[at + 1], &elf->targets[at], (elf->n - at) * sizeof(*elf->targets));
	elf->targets[at] = (struct target){ .address = address, .want = want };
	elf->n++;
}

/* Offsets in the file to the addresses that symbols have. */
static void place_wants(struct elf *elf, struct symbol_want *wants, size_t n)
{
	for (size_t i = 0; i < n; i++)
		for (unsigned k = 0; k < elf->head.e_phnum; k++) {
			const Elf64_Phdr *const segment = &elf->segments[k];
			const uint64_t within = wants[i].offset - segment->p_offset;

			if (segment->p_type != PT_LOAD || wants[i].offset < segment->p_offset ||
			    within >= segment->p_filesz)
				continue;
			add_target(elf, segment->p_vaddr + within, &wants[i]);
			break;
		}
}

static void read_name(int fd, const Elf64_Shdr *names, uint32_t at, char out[SYMBOL_NAME])
{
	char text[SYMBOL_NAME];
	ssize_t n;

	if (at >= names->sh_size || names->sh_offset > INT64_MAX - names->sh_size)
		return;
	n = pread(fd, text, sizeof(text) - 1, (off_t)(names->sh_offset + at));
	text[n > 0 ? n : 0] = '\0';
	for (char *p = text; *p; p++)
		if (*p <= ' ' || *p > '~')
			return;
	memcpy(out, text, sizeof(text));
}

/* Of several names for one function the first in the table stays. */
static void offer(struct elf *elf, const Elf64_Sym *symbol, const Elf64_Shdr *names)
{
	if (ELF64_ST_TYPE(symbol->st_info) != STT_FUNC || !symbol->st_value)
		return;
	for (size_t i = find_target(elf, symbol->st_value);
	     i < elf->n && elf->targets[i].address - symbol->st_value < symbol->st_size; i++) {
		struct target *const target = &elf->targets[i];

		if (symbol->st_value <= target->best)
			continue;
		target->best = symbol->st_value;
		read_name(elf->fd, names, symbol->st_name, target->want->name);
	}
}

static void read_table(struct elf *elf, const Elf64_Shdr *table)
{
	OWN_MEM Elf64_Sym *symbols = mem_raw(CHUNK * sizeof(*symbols));
	const uint64_t total = table->sh_size / sizeof(*symbols);
	Elf64_Shdr names;

	if (table->sh_entsize != sizeof(*symbols) || total > elf->left || table->sh_link >= elf->head.e_shnum ||
	    !get(elf->fd, &names, sizeof(names), elf->head.e_shoff + table->sh_link * sizeof(names)) ||
	    names.sh_type != SHT_STRTAB)
		return;
	elf->left -= total;
	for (uint64_t at = 0; at < total; at += CHUNK) {
		const size_t n = total - at < CHUNK ? (size_t)(total - at) : CHUNK;

		if (!get(elf->fd, symbols, n * sizeof(*symbols), table->sh_offset + at * sizeof(*symbols)))
			return;
		for (size_t i = 0; i < n; i++)
			offer(elf, &symbols[i], &names);
	}
}

void symbols_find(int fd, struct symbol_want *wants, size_t n)
{
	OWN_MEM struct target *targets = mem_alloc(n * sizeof(*targets));
	struct elf elf = { .fd = fd, .targets = targets, .left = SYMBOLS_MAX };
	Elf64_Shdr section;

	for (size_t i = 0; i < n; i++)
		wants[i].name[0] = '\0';
	if (!read_head(&elf))
		return;
	place_wants(&elf, wants, n);
	for (unsigned i = 0; elf.n && i < elf.head.e_shnum; i++)
		if (get(fd, &section, sizeof(section), elf.head.e_shoff + i * sizeof(section)) &&
		    (section.sh_type == SHT_SYMTAB || section.sh_type == SHT_DYNSYM))
			read_table(&elf, &section);
}
