#include "fault.h"

#include <stdarg.h>
#include <stdio.h>

const char *fault_name(uint8_t kind)
{
    switch (kind) {
    case FAULT_BAD_CONFIG:
        return "bad_config";
    case FAULT_BAD_FRAME:
        return "bad_frame";
    case FAULT_BAD_COMMAND:
        return "bad_command";
    case FAULT_PORT_TAKEN:
        return "port_taken";
    case FAULT_MEMORY:
        return "memory";
    default:
        return "network";
    }
}

int fault_set(struct fault *fault, uint8_t kind, const char *format, ...)
{
    fault->kind = kind;
    va_list args;
    va_start(args, format);
    (void)vsnprintf(fault->text, sizeof fault->text, format, args);
    va_end(args);
    return -1;
}
