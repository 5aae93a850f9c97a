/* An attempt at a job with a compiler: its product, see serve/products.h. */
#pragma once

#include "serve/attempt.h"

/* When its steps are known: the product instead of the step that makes it, or what is needed to keep one.
 *
 * products  NULL: nothing is kept */
void attempt_find_product(struct attempt *attempt, struct products *products);

/* What the box sends of it: its head, its bytes, and then something else. One that ends before something else has
 * come is not whole. */
void attempt_take_product(struct attempt *attempt, const struct frame *frame);
void attempt_take_product_data(struct attempt *attempt, const struct frame *frame);
void attempt_end_product(struct attempt *attempt);
void attempt_drop_product(struct attempt *attempt);
