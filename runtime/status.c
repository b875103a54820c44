/* status.c: the thread's last message. A fixed buffer, so that running out of memory can be reported too. */
#include "ardm/status.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

enum { MESSAGE_SIZE = 8192 };

static _Thread_local char message[MESSAGE_SIZE];

/* Arguments may point into the old message, so text is made beside it first. */
static void set_message(const char *format, va_list arguments, int keep_old) {
    char text[MESSAGE_SIZE];
    int written = vsnprintf(text, sizeof text, format, arguments);
    size_t length = written < 0 ? 0 : (size_t)written < sizeof text ? (size_t)written : sizeof text - 1;
    if (keep_old) {
        size_t room = sizeof text - 1 - length;
        const char *parts[2] = {": ", message};
        for (int i = 0; i < 2; i++) {
            size_t take = strlen(parts[i]);
            if (take > room) take = room;
            memcpy(text + length, parts[i], take);
            length += take;
            room -= take;
        }
    }
    memcpy(message, text, length);
    message[length] = '\0';
}

ardm_status ardm_fail(ardm_status status, const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    set_message(format, arguments, 0);
    va_end(arguments);
    return status;
}

ardm_status ardm_fail_in(ardm_status status, const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    set_message(format, arguments, 1);
    va_end(arguments);
    return status;
}

const char *ardm_message(void) { return message; }

const char *ardm_status_name(ardm_status status) {
    switch (status) {
    case ARDM_OK:
        return "ok";
    case ARDM_EINVAL:
        return "invalid";
    case ARDM_ESHAPE:
        return "shape";
    case ARDM_ENOMEM:
        return "memory";
    case ARDM_EIO:
        return "i/o";
    case ARDM_EFORMAT:
        return "format";
    case ARDM_EDEVICE:
        return "device";
    case ARDM_EBUILD:
        return "kernel build";
    case ARDM_ENOTFOUND:
        return "not found";
    case ARDM_EEXIST:
        return "exists";
    case ARDM_EMODEL:
        return "model";
    case ARDM_EINEXACT:
        return "inexact device";
    case ARDM_EUNSUPPORTED:
        return "unsupported";
    case ARDM_EINTERRUPT:
        return "interrupted";
    default:
        return "unknown";
    }
}
