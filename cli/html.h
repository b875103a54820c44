/* A page of HTML in memory, for people: one file that needs nothing from outside and no script, light or dark as the reader has it, and
 * well-formed as XML too. Whatever is not ours (names, configs, logs, samples) goes through the calls that escape. Failures are kept until
 * html_close. */
#ifndef ARDM_CLI_HTML_H
#define ARDM_CLI_HTML_H

#include "ardm/file.h"

typedef struct html {
    ardm_bytes bytes;
    ardm_status status; /* the first failure; its message is the thread's */
} html;

/* Appends text as it may stand in an element or a quoted attribute: < > & and quotes as references; bytes that are no UTF-8, and
 * characters that XML cannot hold, as U+FFFD. */
ardm_status html_escape(ardm_bytes *out, const char *text, size_t size);

/* Begins a page with its style, up to and with its heading. */
void html_open(html *h, const char *title);
/* Ends the page and writes it beside its name and then there (ARDM_EEXIST when it is there and overwrite is 0); "-" is standard output. path NULL:
 * only frees. */
ardm_status html_close(html *h, const char *path, int32_t overwrite);

void html_put(html *h, const char *format, ...) ARDM_PRINTF(2, 3);  /* markup of ours */
void html_text(html *h, const char *format, ...) ARDM_PRINTF(2, 3); /* escaped */
void html_bytes(html *h, const void *text, size_t size);            /* escaped */
void html_append(html *h, const ardm_bytes *markup);                /* an <svg> element of canvas.h */

void html_row(html *h, const char *name, const char *format, ...) ARDM_PRINTF(3, 4); /* of a table of facts: both escaped */
void html_command(html *h, const char *format, ...) ARDM_PRINTF(2, 3);               /* a line for a shell, escaped */
void html_note(html *h, const char *format, ...) ARDM_PRINTF(2, 3);                  /* what is missing and why, escaped */
/* `file` inline, type "image/png" or "audio/wav": an <img> of class `name`, or a player. */
void html_media(html *h, const char *type, const ardm_bytes *file, const char *alt, const char *name);

/* A word as a POSIX shell takes it: quoted where it must be. The caller frees it. */
ardm_status shell_word(ardm_bytes *out, const char *word);

#endif
