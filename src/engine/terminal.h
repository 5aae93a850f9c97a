/* ward's own terminal while a box has one of its own: raw, so that every key reaches the program,
 * and as large inside as outside. It never reads or writes the bytes themselves. */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <termios.h>

struct terminal {
	int fd;                 /* ward's terminal, borrowed; -1 = none */
	bool is_raw;
	struct termios saved;
};
#define TERMINAL_NONE ((struct terminal){ .fd = -1 })

/* Makes fd raw if it is a terminal and we are in its foreground; else does nothing. */
void terminal_raw(struct terminal *terminal, int fd);

/* Puts the settings back; output that was written is not lost. Safe to call twice. */
void terminal_restore(struct terminal *terminal);

/* The size of the first of two descriptors that is a terminal: rows << 16 | columns, 0 when neither is. */
uint32_t terminal_size(int in_fd, int out_fd);

/* Gives the box's terminal the size of the first of two descriptors that is a terminal. */
void terminal_copy_size(int in_fd, int out_fd, int master_fd);
