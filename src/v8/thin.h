/* What a fork need not have. A guest costs little because it shares the zygote's memory: this keeps it so. */
#pragma once

/* In the zygote, when everything is warm: its forks get no library that the engine is linked with and never calls, and
 * what they allocate lies together instead of in the zygote's gaps, where every piece would take a page of its own. */
void thin_before_forks(void);

/* In a guest that has nothing to do for a while: gives back what it can have again. Costs the next line it runs some
 * tens of page faults. */
void thin_at_rest(void);
