// Counts every call of the heap in this process. Linked into programs that have to prove that they make none.
#pragma once
#include <stdint.h>

uint64_t hauberk_allocations(void);
