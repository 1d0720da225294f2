#include "CWorkSet.h"
