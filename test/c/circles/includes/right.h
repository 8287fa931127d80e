/* ... and right includes left. */
#ifndef CIRCLES_RIGHT_H
#define CIRCLES_RIGHT_H

#include "left.h"

#endif
