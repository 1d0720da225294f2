// Where a compiled program takes the address of a map.
#pragma once
#include <stdint.h>

typedef struct {
  uint16_t instruction, map;
} hauberk_map_use;
