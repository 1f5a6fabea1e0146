#pragma once

/* "three" for 3; NULL beyond 0 … 12. */
const char *little_word(int number);
