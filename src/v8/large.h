/* The engine's code on large pages. */
#pragma once

/* In a zygote, before it is sealed: the code and constants of large libraries are copied to pages of 2 MiB, mapped where
 * they were, with the same rights. A guest then has them with a page fault for each instead of one for every 64 KiB, and
 * without page tables. Where the kernel cannot, they stay as they are. The copy is this process's and its guests'; none
 * of them can change it for another. */
void large_pages(void);
