/* ardm/status.h (runtime): how every call reports failure.
 *
 * A call that can fail returns an ardm_status; 0 is success. The message, with the numbers a person needs, is set once,
 * where the fact is known, in thread-local storage, and read with ardm_message(). Library code never exits or prints. */
#ifndef ARDM_STATUS_H
#define ARDM_STATUS_H

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef int32_t ardm_status;

enum {
    ARDM_OK = 0,
    ARDM_EINVAL = 1,        /* an argument, option or config key is wrong */
    ARDM_ESHAPE = 2,        /* extents or types do not fit */
    ARDM_ENOMEM = 3,        /* memory, or the limit set by --memory, is exhausted */
    ARDM_EIO = 4,           /* the operating system refused */
    ARDM_EFORMAT = 5,       /* a file is damaged, truncated or not what it says */
    ARDM_EDEVICE = 6,       /* an OpenCL call failed */
    ARDM_EBUILD = 7,        /* a kernel did not build; the message names the file with the driver's log */
    ARDM_ENOTFOUND = 8,     /* a name, file or device does not exist */
    ARDM_EEXIST = 9,        /* a file or name exists already */
    ARDM_EMODEL = 10,       /* the model that a file needs is missing or different: exit code 3 */
    ARDM_EINEXACT = 11,     /* the device fails the probe and may not code: exit code 4 */
    ARDM_EUNSUPPORTED = 12, /* legal, and not offered here */
    ARDM_EINTERRUPT = 13    /* the user asked to stop; work was saved */
};

#if defined(__GNUC__)
#define ARDM_PRINTF(text, first) __attribute__((format(printf, text, first)))
#else
#define ARDM_PRINTF(text, first)
#endif

/* Sets this thread's message and returns `status`, so that `return ardm_fail(…)` is one line. */
ardm_status ardm_fail(ardm_status status, const char *format, ...) ARDM_PRINTF(2, 3);

/* Puts "format: " before this thread's message, for callers that know the context, and returns `status`. */
ardm_status ardm_fail_in(ardm_status status, const char *format, ...) ARDM_PRINTF(2, 3);

/* The message of this thread's last failure; "" when there was none. Valid until the next failure on this thread. */
const char *ardm_message(void);

/* "shape", "i/o", …: one or two words. */
const char *ardm_status_name(ardm_status status);

/* Returns from the calling function when `call` failed, message unchanged. */
#define ARDM_TRY(call)                                                                                                                               \
    do {                                                                                                                                             \
        ardm_status try_status_ = (call);                                                                                                            \
        if (try_status_ != ARDM_OK) return try_status_;                                                                                              \
    } while (0)

#ifdef __cplusplus
}
#endif
#endif
