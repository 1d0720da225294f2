// What the XDP program counts, by its place in the map of counts: the program and its reader agree here.
#pragma once

enum {
  HAUBERK_XDP_REDIRECTED,
  HAUBERK_XDP_PASSED,
  HAUBERK_XDP_CONTROL,
  HAUBERK_XDP_FILTERED,
  HAUBERK_XDP_COUNTS,
};
