#include "little_words.h"

#include <stddef.h>

static const char *const words[] = {
    "none", "one",   "two",   "three", "four", "five",   "six",
    "seven", "eight", "nine", "ten",   "eleven", "twelve",
};

const char *little_word(int number)
{
    if (number < 0 || number >= (int)(sizeof words / sizeof *words))
        return NULL;
    return words[number];
}
