/* The roof. */
#ifndef CIRCLES_ROOF_H
#define CIRCLES_ROOF_H

int roof_height(void);

#endif
