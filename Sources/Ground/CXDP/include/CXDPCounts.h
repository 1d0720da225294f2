// What the programs count, by its place in a line of memory that each processor has: they and their reader agree here.
#pragma once

enum {
  HAUBERK_XDP_REDIRECTED,
  HAUBERK_XDP_PASSED,
  HAUBERK_XDP_CONTROL,
  HAUBERK_XDP_FILTERED,
  HAUBERK_XDP_COUNTS,
  HAUBERK_XDP_PLACES = 8,
};
