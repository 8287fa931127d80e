/* A planted circle: left includes right. */
#ifndef CIRCLES_LEFT_H
#define CIRCLES_LEFT_H

#include "right.h"

#endif
