/* Needs both, and is in no circle itself. */
#include "left.h"
