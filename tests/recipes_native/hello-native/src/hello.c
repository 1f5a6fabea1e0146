#include <stddef.h>

#ifdef HAVE_SUMS
#include <little_sums.h>
#endif

const char *hello_greeting(int count)
{
#ifdef HAVE_SUMS
    return little_greeting(count);
#else
    (void)count;
    return NULL;
#endif
}

int hello_median(const double *numbers, size_t count, double *median)
{
#ifdef HAVE_SUMS
    return little_median(numbers, count, median);
#else
    (void)numbers, (void)count, (void)median;
    return -2;
#endif
}
