#include "legacy_names.h"

static bool is_free(const struct legacy_name *place, int64_t now)
{
    return place->name.len == 0 || now - place->heard_at >= LEGACY_FORGET;
}

enum legacy_verdict legacy_names_heard(struct legacy_names *names, const struct name *name, int64_t now)
{
    struct legacy_name *room = NULL;
    for (size_t i = 0; i < LEGACY_NAMES_MAX; i++) {
        struct legacy_name *place = &names->items[i];
        if (is_free(place, now)) {
            room = room == NULL ? place : room;
        } else if (name_same(&place->name, name)) {
            place->heard_at = now;
            if (now - place->told_at < LEGACY_REMIND) {
                return LEGACY_KNOWN;
            }
            place->told_at = now;
            return LEGACY_TELL;
        }
    }
    if (room == NULL || !bucket_take(&names->newcomers, now, LEGACY_NEW_BURST, LEGACY_NEW_PER_SECOND)) {
        return LEGACY_REFUSED;
    }
    *room = (struct legacy_name){.heard_at = now, .told_at = now, .name = *name};
    return LEGACY_TELL;
}
