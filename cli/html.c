/* Pages as text: escapes, base64, and one style. */
#include "html.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Curves and grids are drawn for a white ground; the rules for dark ones turn their colours. */
static const char *const style[] = {
    ":root{color-scheme:light dark;--ground:#ffffff;--ink:#1d2125;--soft:#5a646e;--line:#d5dade;--box:#f4f6f8;--accent:#0072b2;--heat:213,94,0}",
    "*{box-sizing:border-box}",
    "body{margin:0 auto;max-width:78rem;padding:1rem 1.2rem 3rem;background:var(--ground);color:var(--ink)}",
    "body{font:16px/1.5 system-ui,-apple-system,\"Segoe UI\",\"Liberation Sans\",Arial,sans-serif}",
    "h1{font-size:1.6rem;line-height:1.25;margin:.4rem 0;overflow-wrap:anywhere}",
    "h2{font-size:1.2rem;margin:2.2rem 0 .7rem;padding-top:.7rem;border-top:1px solid var(--line)}",
    "h3{font-size:1rem;margin:1.2rem 0 .4rem}",
    "p{margin:.5rem 0;max-width:52rem}",
    "a{color:var(--accent)}nav a{margin-right:1rem}",
    ".soft,figcaption,nav{color:var(--soft)}",
    "figcaption b{color:var(--ink)}",
    ".note{border-left:3px solid var(--line);padding:.1rem .8rem;color:var(--soft);overflow-wrap:anywhere}",
    ".tiles{display:grid;grid-template-columns:repeat(auto-fit,minmax(10.5rem,1fr));gap:.7rem;margin:1rem 0;padding:0;list-style:none}",
    ".tiles li{background:var(--box);border-radius:.5rem;padding:.6rem .8rem}",
    ".tiles b{display:block;font-size:1.3rem;font-variant-numeric:tabular-nums;overflow-wrap:anywhere}",
    ".tiles span{color:var(--soft);font-size:.85rem}",
    ".charts{display:grid;grid-template-columns:repeat(auto-fit,minmax(min(100%,23rem),1fr));gap:1.2rem}",
    "figure{margin:0;min-width:0;break-inside:avoid}figcaption{font-size:.9rem;margin-bottom:.3rem}",
    "svg{display:block;width:100%;height:auto;fill:var(--ink);font-family:inherit}",
    ".wide,.scroll{overflow-x:auto}.wide svg{min-width:46rem}",
    ".scroll{max-height:32rem;overflow-y:auto}",
    ".grid{stroke:var(--line)}",
    ".pictures{display:flex;flex-wrap:wrap;gap:1rem}.pictures figure{max-width:100%}",
    ".pictures figcaption{margin:.2rem 0 0;font-variant-numeric:tabular-nums}",
    "img{max-width:100%;height:auto}",
    ".pixels{image-rendering:pixelated}.sheet{width:40rem}.tile{width:8rem;margin-right:.25rem}",
    ".paper{background:#ffffff;width:64rem}.strip{image-rendering:pixelated;display:block;width:64rem;height:1rem}.scale{max-width:24rem}",
    "audio{display:block;margin:.5rem 0;max-width:100%}",
    "table{border-collapse:collapse;font-size:.9rem}",
    "th,td{padding:.22rem .7rem .22rem 0;text-align:left;vertical-align:top;border-bottom:1px solid var(--line);overflow-wrap:anywhere}",
    ".facts th{font-weight:600;white-space:nowrap}",
    ".numbers td,.numbers th{text-align:right;padding:.22rem .2rem .22rem 1rem;font-variant-numeric:tabular-nums;white-space:nowrap}",
    ".numbers thead th{position:sticky;top:0;background:var(--ground)}",
    "code,pre,.hash{font-family:ui-monospace,\"DejaVu Sans Mono\",Menlo,Consolas,monospace;font-size:.85rem}",
    "pre{background:var(--box);border-radius:.5rem;padding:.6rem .8rem;margin:.4rem 0;white-space:pre-wrap;overflow-wrap:anywhere}",
    ".h1{background:rgba(var(--heat),.08)}.h2{background:rgba(var(--heat),.16)}.h3{background:rgba(var(--heat),.25)}",
    ".h4{background:rgba(var(--heat),.35)}.h5{background:rgba(var(--heat),.46)}.h6{background:rgba(var(--heat),.58)}",
    ".h7{background:rgba(var(--heat),.7)}.h8{background:rgba(var(--heat),.85)}",
    "@media (prefers-color-scheme:dark){",
    ":root{--ground:#14171a;--ink:#e4e7ea;--soft:#9aa5ae;--line:#3a424a;--box:#1e2328;--accent:#58b0ea}",
    "[stroke=\"#0072b2\"]{stroke:#3f9fe0}[fill=\"#0072b2\"]{fill:#3f9fe0}[stroke=\"#000000\"]{stroke:#e4e7ea}[fill=\"#000000\"]{fill:#e4e7ea}}",
    "@media print{",
    ":root{color-scheme:light;--ground:#ffffff;--ink:#000000;--soft:#444444;--line:#bbbbbb;--box:#f4f4f4;--accent:#0072b2}",
    "body{max-width:none;padding:0;font-size:10pt}nav{display:none}.scroll,.wide{overflow:visible;max-height:none}.wide svg{min-width:0}",
    ".charts{grid-template-columns:1fr 1fr}h2{break-after:avoid}tr{break-inside:avoid}*{print-color-adjust:exact;-webkit-print-color-adjust:exact}",
    "[stroke=\"#0072b2\"]{stroke:#0072b2}[fill=\"#0072b2\"]{fill:#0072b2}[stroke=\"#000000\"]{stroke:#000000}[fill=\"#000000\"]{fill:#000000}}",
};

static void keep(html *h, ardm_status status) {
    if (h->status == ARDM_OK) h->status = status;
}

/* Bytes of the character that begins here, 0 when none does: UTF-8 without overlong forms, surrogates and what is above U+10FFFF, and of
 * XML's characters alone. */
static size_t character(const unsigned char *at, size_t left) {
    static const uint32_t least[5] = {0, 0, 0x80, 0x800, 0x10000};
    const size_t n = at[0] < 0x80 ? 1 : at[0] >> 5 == 6 ? 2 : at[0] >> 4 == 14 ? 3 : at[0] >> 3 == 30 ? 4 : 0;
    if (n == 0 || n > left) return 0;
    if (n == 1) return at[0] == '\t' || at[0] == '\n' || at[0] == '\r' || (at[0] >= 32 && at[0] != 127);
    uint32_t code = at[0] & (0x7fu >> n);
    for (size_t k = 1; k < n; k++) {
        if (at[k] >> 6 != 2) return 0;
        code = code << 6 | (at[k] & 63u);
    }
    if (code < least[n] || code > 0x10ffff || (code >= 0xd800 && code < 0xe000) || code == 0xfffe || code == 0xffff || (code >= 0x80 && code < 0xa0))
        return 0;
    return n;
}

ardm_status html_escape(ardm_bytes *out, const char *text, size_t size) {
    const unsigned char *at = (const unsigned char *)text, *end = at + size, *plain = at;
    while (at < end) {
        const size_t n = character(at, (size_t)(end - at));
        const char *written = n == 0        ? "\xef\xbf\xbd"
                              : *at == '<'  ? "&lt;"
                              : *at == '>'  ? "&gt;"
                              : *at == '&'  ? "&amp;"
                              : *at == '"'  ? "&quot;"
                              : *at == '\'' ? "&#39;"
                              : *at == '\r' ? "&#13;"
                                            : NULL;
        if (written) {
            ARDM_TRY(ardm_bytes_append(out, plain, (size_t)(at - plain)));
            ARDM_TRY(ardm_bytes_append(out, written, strlen(written)));
        }
        at += n ? n : 1;
        if (written) plain = at;
    }
    return ardm_bytes_append(out, plain, (size_t)(at - plain));
}

ardm_status shell_word(ardm_bytes *out, const char *word) {
    static const char safe[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-+=./:,@%";
    if (word[0] && strspn(word, safe) == strlen(word)) return ardm_bytes_printf(out, "%s", word);
    ARDM_TRY(ardm_bytes_printf(out, "'"));
    for (const char *at = word; *at; at++) ARDM_TRY(*at == '\'' ? ardm_bytes_printf(out, "'\\''") : ardm_bytes_printf(out, "%c", *at));
    return ardm_bytes_printf(out, "'");
}

/* The text of a format, escaped or not. */
static void print(html *h, int32_t escaped, const char *format, va_list list) {
    va_list again;
    va_copy(again, list);
    const int n = vsnprintf(NULL, 0, format, again);
    va_end(again);
    char *text = n < 0 ? NULL : malloc((size_t)n + 1);
    if (!text) {
        keep(h, ardm_fail(ARDM_ENOMEM, "no memory for a page"));
        return;
    }
    vsnprintf(text, (size_t)n + 1, format, list);
    keep(h, escaped ? html_escape(&h->bytes, text, (size_t)n) : ardm_bytes_append(&h->bytes, text, (size_t)n));
    free(text);
}

void html_put(html *h, const char *format, ...) {
    va_list list;
    va_start(list, format);
    print(h, 0, format, list);
    va_end(list);
}

void html_text(html *h, const char *format, ...) {
    va_list list;
    va_start(list, format);
    print(h, 1, format, list);
    va_end(list);
}

void html_bytes(html *h, const void *text, size_t size) { keep(h, html_escape(&h->bytes, text, size)); }

void html_append(html *h, const ardm_bytes *markup) { keep(h, ardm_bytes_append(&h->bytes, markup->data, markup->size)); }

void html_open(html *h, const char *title) {
    memset(h, 0, sizeof *h);
    html_put(h, "<!DOCTYPE html>\n<html lang=\"en\" xmlns=\"http://www.w3.org/1999/xhtml\">\n<head>\n<meta charset=\"utf-8\"/>\n<title>");
    html_text(h, "%s", title);
    /* Nothing is fetched and nothing runs, even if a reader's browser thinks it found something. */
    html_put(h, "</title>\n<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; img-src data:; media-src data:; style-src "
                "'unsafe-inline'\"/>\n<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\"/>\n"
                "<meta name=\"generator\" content=\"ardm " ARDM_VERSION "\"/>\n<style>\n");
    for (size_t i = 0; i < sizeof style / sizeof *style; i++) html_put(h, "%s\n", style[i]);
    html_put(h, "</style>\n</head>\n<body>\n<h1>");
    html_text(h, "%s", title);
    html_put(h, "</h1>\n");
}

ardm_status html_close(html *h, const char *path, int32_t overwrite) {
    if (path) html_put(h, "</body>\n</html>\n");
    ardm_status status = path ? h->status : ARDM_OK;
    if (path && status == ARDM_OK) status = ardm_file_write(path, h->bytes.data, h->bytes.size, overwrite);
    ardm_bytes_free(&h->bytes);
    return status;
}

void html_row(html *h, const char *name, const char *format, ...) {
    va_list list;
    va_start(list, format);
    html_put(h, "<tr><th>");
    html_text(h, "%s", name);
    html_put(h, "</th><td>");
    print(h, 1, format, list);
    html_put(h, "</td></tr>\n");
    va_end(list);
}

void html_command(html *h, const char *format, ...) {
    va_list list;
    va_start(list, format);
    html_put(h, "<pre class=\"command\">");
    print(h, 1, format, list);
    html_put(h, "</pre>\n");
    va_end(list);
}

void html_note(html *h, const char *format, ...) {
    va_list list;
    va_start(list, format);
    html_put(h, "<p class=\"note\">");
    print(h, 1, format, list);
    html_put(h, "</p>\n");
    va_end(list);
}

static void base64(html *h, const ardm_bytes *file) {
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    char text[4 * 256];
    size_t filled = 0;
    for (size_t at = 0; at < file->size; at += 3) {
        const size_t n = file->size - at < 3 ? file->size - at : 3;
        const uint32_t word =
            (uint32_t)file->data[at] << 16 | (n > 1 ? (uint32_t)file->data[at + 1] << 8 : 0) | (n > 2 ? (uint32_t)file->data[at + 2] : 0);
        for (uint32_t k = 0; k < 4; k++) text[filled++] = k > n ? '=' : digits[word >> (18 - 6 * k) & 63];
        if (filled < sizeof text) continue;
        keep(h, ardm_bytes_append(&h->bytes, text, filled));
        filled = 0;
    }
    keep(h, ardm_bytes_append(&h->bytes, text, filled));
}

void html_media(html *h, const char *type, const ardm_bytes *file, const char *alt, const char *name) {
    const int32_t picture = strncmp(type, "image/", 6) == 0;
    html_put(h, picture ? "<img class=\"%s\" alt=\"" : "<audio controls=\"controls\" class=\"%s\" title=\"", name);
    html_text(h, "%s", alt);
    html_put(h, "\" src=\"data:%s;base64,", type);
    base64(h, file);
    html_put(h, picture ? "\"/>" : "\"></audio>");
}
