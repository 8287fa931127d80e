/* Links where the compiler, with -O2 -ftrivial-auto-var-init=zero, clears the padding of a variable and
 * nothing else. */
struct key {
    unsigned char bytes[40];
};

struct ring {
    unsigned char count;
    struct key keys[4];
};

struct holder {
    struct ring ring; /* 7 bytes of padding behind it */
    void *next;
};

#if defined(RUNS)
#include <stdlib.h>
#define padding_is_not_all abort
#else
void padding_is_not_all(void); /* nowhere */
#endif

static struct holder make(unsigned char first)
{
    struct holder h = {.next = 0};
    h.ring.keys[0].bytes[0] = first;
    return h;
}

int main(void)
{
    struct {
        struct holder holder;
    } outer = {.holder = make('x')};
    if (outer.holder.ring.keys[0].bytes[0] != 'x') {
        padding_is_not_all();
    }
    return 0;
}
