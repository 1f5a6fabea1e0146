#include "little_sums.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "limits.h"
#include "little_words.h"
#include "shout.h"

#define API __attribute__((visibility("default")))

static int usable(const double *numbers, size_t count)
{
    return numbers != NULL && count > 0 && count <= LITTLE_LIMIT;
}

API int little_sum(const double *numbers, size_t count, double *sum)
{
    /* Kahan's: the error of each addition is carried on to the next. */
    double total = 0, lost = 0;

    if (!usable(numbers, count))
        return -1;
    for (size_t i = 0; i < count; i++) {
        double next = numbers[i] - lost;
        double together = total + next;
        lost = (together - total) - next;
        total = together;
    }
    *sum = total;
    return 0;
}

API int little_mean(const double *numbers, size_t count, double *mean)
{
    if (little_sum(numbers, count, mean))
        return -1;
    *mean /= (double)count;
    return 0;
}

static int compare(const void *left, const void *right)
{
    double a = *(const double *)left, b = *(const double *)right;
    return (a > b) - (a < b);
}

API int little_median(const double *numbers, size_t count, double *median)
{
    double sorted[LITTLE_LIMIT];

    if (!usable(numbers, count))
        return -1;
    memcpy(sorted, numbers, count * sizeof *sorted);
    qsort(sorted, count, sizeof *sorted, compare);
    *median = count % 2 ? sorted[count / 2] : (sorted[count / 2 - 1] + sorted[count / 2]) / 2;
    return 0;
}

API size_t little_limit(void)
{
    return LITTLE_LIMIT;
}

API const char *little_greeting(int count)
{
    static char greeting[64];
    const char *word = little_word(count);

    snprintf(greeting, sizeof greeting, "%s %s", word ? word : "many", LITTLE_SHOUT);
    return greeting;
}
