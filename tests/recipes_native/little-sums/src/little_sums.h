#pragma once

#include <stddef.h>

/* All return 0, or -1 for no numbers or too many of them (little_limit()). */
int little_sum(const double *numbers, size_t count, double *sum);
int little_mean(const double *numbers, size_t count, double *mean);
int little_median(const double *numbers, size_t count, double *median);

size_t little_limit(void);
/* What the library says of a count: "three sums!". */
const char *little_greeting(int count);
