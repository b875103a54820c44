/* The search for plugins, what is refused, and a plugin that lies. */
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "ardm/loader.h"
#include "plugins.h"

#undef fail /* a macro of Check, and a member of the host table */

static char open_folder[] = "ardm-open-XXXXXX", junk_folder[] = "ardm-junk-XXXXXX";

static void put(const char *folder, const char *name, mode_t mode) {
    char path[256];
    (void)snprintf(path, sizeof path, "%s/%s", folder, name);
    FILE *file = fopen(path, "w");
    if (!file || fputs("no module\n", file) < 0 || fclose(file) != 0 || chmod(path, mode) != 0) abort();
}

void loader_prepare(void) {
    char list[4096];
    if (!mkdtemp(open_folder) || !mkdtemp(junk_folder)) abort();
    put(open_folder, "a.so", 0644);
    put(junk_folder, "a.so", 0644);
    put(junk_folder, "b.so", 0646);
    put(junk_folder, "c.txt", 0644);
    if (chmod(open_folder, 0777) != 0) abort();
    (void)snprintf(list, sizeof list, "%s::%s:%s:%s:nowhere", open_folder, junk_folder, ARDM_TEST_PLUGINS, ARDM_TEST_PLUGINS);
    setenv("ARDM_PLUGIN_PATH", list, 1);
}

void loader_clean_up(void) {
    char path[256];
    const char *const files[] = {open_folder, "a.so", junk_folder, "a.so", junk_folder, "b.so", junk_folder, "c.txt"};
    for (int k = 0; k < 8; k += 2) {
        (void)snprintf(path, sizeof path, "%s/%s", files[k], files[k + 1]);
        (void)unlink(path);
    }
    (void)rmdir(open_folder);
    (void)rmdir(junk_folder);
}

static const ardm_plugin_entry_info *entry_of(const char *path) {
    const ardm_plugin_entry_info *entries;
    uint32_t count;
    OK(ardm_plugins_list(&entries, &count));
    for (uint32_t k = 0; k < count; ++k)
        if (strstr(entries[k].path, path)) return &entries[k];
    return NULL;
}

START_TEST(refuses_what_anybody_may_write) {
    const ardm_plugin_entry_info *folder = entry_of(open_folder);
    ck_assert_ptr_nonnull(folder);
    ck_assert_ptr_null(folder->plugin);
    ck_assert_ptr_nonnull(strstr(folder->why, "anybody may write"));
    ck_assert_str_eq(folder->path, open_folder); /* the folder alone: nothing inside was looked at */
    const ardm_plugin_entry_info *file = entry_of("b.so");
    ck_assert_ptr_nonnull(file);
    ck_assert_ptr_nonnull(strstr(file->why, "anybody may write"));
}
END_TEST

START_TEST(refuses_what_is_no_module) {
    const ardm_plugin_entry_info *file = entry_of(junk_folder);
    ck_assert_ptr_nonnull(file);
    ck_assert_ptr_null(file->plugin);
    ck_assert_ptr_nonnull(file->why);
    ck_assert_ptr_null(entry_of("c.txt"));
}
END_TEST

START_TEST(loads_each_plugin_once) {
    const ardm_plugin_entry_info *entries;
    uint32_t count, images = 0, again = 0;
    OK(ardm_plugins_list(&entries, &count));
    for (uint32_t k = 0; k < count; ++k) {
        images += entries[k].plugin && strcmp(entries[k].plugin->id, "org.ardm.image") == 0;
        again += strstr(entries[k].path, "ardm_image.so") && entries[k].why && strstr(entries[k].why, "already");
    }
    ck_assert_uint_eq(images, 1);
    ck_assert_uint_ge(again, 1);
    ck_assert_str_eq(ardm_modality_id(modality("image")), "image");
    const ardm_modality *none;
    FAILS(ardm_modality_find(&none, "imagé"), ARDM_ENOTFOUND, "there are:");
}
END_TEST

/* --- a plugin that lies: each case of `lie` is one way ---------------------------------------------------------------------------- */

static int lie;
static uint8_t big_side[1];

static int32_t liar_probe(const uint8_t *first, int64_t bytes, const char *name) {
    (void)first;
    (void)bytes;
    return strcmp(name, "lie") == 0 ? 100 : 0;
}
static const ardm_host *liar_host;
static int32_t liar_open(ardm_task *task, ardm_header *header, void **reader) {
    *reader = liar_host->allocate(task, 8); /* never released: the host must */
    if (lie == 9) return liar_host->fail(task, 99, NULL);
    header->rank = lie == 1 ? 4 : 1;
    header->channels = lie == 2 ? 65 : 1;
    header->classes = lie == 3 ? 65537 : 4;
    header->items = lie == 4 ? -1 : 1;
    header->extents[0] = lie == 5 ? INT64_MAX : 5;
    header->extents[1] = lie == 6 ? 2 : 1;
    header->side = big_side;
    header->side_bytes = lie == 7 ? ARDM_PLUGIN_SIDE + 1 : 1;
    header->variant = lie == 8 ? NULL : "plain";
    return 0;
}
static int32_t liar_read(ardm_task *task, void *reader, int64_t item, int64_t first, int64_t count, int32_t *symbols) {
    (void)task;
    (void)reader;
    (void)item;
    for (int64_t i = 0; i < count; ++i) symbols[i] = lie == 10 && first + i == 4 ? 4 : lie == 11 ? -1 : 3;
    return lie == 12 ? liar_host->fail(task, 5, "torn") : 0;
}
static void liar_close(ardm_task *task, void *reader) {
    (void)task;
    (void)reader;
}
static int32_t liar_begin(ardm_task *task, const ardm_header *header, uint32_t purpose, void **writer) {
    (void)task;
    (void)header;
    (void)purpose;
    *writer = NULL;
    return 0;
}
static int32_t liar_write(ardm_task *task, void *writer, int64_t count, const int32_t *symbols) {
    (void)writer;
    (void)symbols;
    return liar_host->write(task, "xxxxxxxx", count);
}
static int32_t liar_end(ardm_task *task, void *writer, int32_t finish) {
    (void)task;
    (void)writer;
    (void)finish;
    return 0;
}
static int32_t liar_blank(ardm_task *task, ardm_header *header) {
    (void)task;
    (void)header;
    return 0;
}
static int32_t liar_synthesise(ardm_task *task, const ardm_header *header, uint64_t seed, int32_t *symbols) {
    (void)task;
    (void)header;
    (void)seed;
    (void)symbols;
    return 0;
}
/* Odd units later; lie 20 leaves the last one out, 21 knows no such extents. */
static int32_t liar_levels(ardm_task *task, const char *order, uint32_t rank, const int64_t *extents, uint32_t channels, uint16_t *levels) {
    if (lie == 21 || rank != 2) return liar_host->fail(task, 12, "only pictures have stripes");
    for (int64_t u = 0; u < extents[0] * extents[1] * channels - (lie == 20); ++u) levels[u] = (uint16_t)(strcmp(order, "stripes") == 0 ? u % 2 : 0);
    return 0;
}
static ardm_modality liar_modality = {.abi = ARDM_PLUGIN_ABI,
                                      .size = sizeof(ardm_modality),
                                      .id = "org.example.liar",
                                      .version = 1,
                                      .help = "",
                                      .variants = "plain",
                                      .metric = "",
                                      .suffix = ".x",
                                      .config = "",
                                      .probe = liar_probe,
                                      .open = liar_open,
                                      .read = liar_read,
                                      .close = liar_close,
                                      .begin = liar_begin,
                                      .write = liar_write,
                                      .end = liar_end,
                                      .blank = liar_blank,
                                      .synthesise = liar_synthesise,
                                      .orders = "plain|stripes",
                                      .levels = liar_levels};
static ardm_plugin liar = {.abi = ARDM_PLUGIN_ABI,
                           .size = sizeof(ardm_plugin),
                           .id = "org.example.liar",
                           .name = "Liar",
                           .version = "1",
                           .licence = "none",
                           .modalities = &liar_modality,
                           .n_modalities = 1,
                           .modality_stride = sizeof(ardm_modality)};
static const ardm_plugin *liar_entry(const ardm_host *host) {
    liar_host = host;
    return &liar;
}

START_TEST(believes_no_plugin) {
    static const char *const parts[] = {"", "rank 4", "65 channels", "65537", "-1 items", "extent 0", "extent 1", "beside", "variant"};
    ardm_item item;
    const ardm_modality *m;
    for (lie = 0; lie <= 12; ++lie) {
        m = NULL;
        int64_t live = memory_live();
        ardm_status status = ardm_item_decode(&item, &m, "", 0, "lie", NULL);
        int64_t left = memory_live() - live;
        if (lie == 0) {
            ck_assert_int_eq(status, ARDM_OK);
            ck_assert_int_eq(item.count, 5);
            ck_assert_int_eq(item.symbols[4], 3);
            ardm_item_free(&item);
            continue;
        }
        ck_assert_int_eq(left, 0); /* what the plugin left behind is freed */
        ck_assert_int_eq(status, ARDM_EFORMAT);
        if (lie <= 8) ck_assert_msg(strstr(ardm_message(), parts[lie]) != NULL, "lie %d: %s", lie, ardm_message());
        if (lie == 10 || lie == 11) ck_assert_msg(strstr(ardm_message(), "there are 4 classes") != NULL, "%s", ardm_message());
        if (lie == 12) ck_assert_msg(strstr(ardm_message(), "torn") != NULL, "%s", ardm_message());
    }
    lie = 0;
}
END_TEST

START_TEST(bounds_the_output) {
    ardm_item item;
    const ardm_modality *m = NULL;
    ardm_bytes out = {0};
    OK(ardm_item_decode(&item, &m, "", 0, "lie", NULL));
    OK(ardm_item_encode(&out, m, &item, 5));
    ck_assert_uint_eq(out.size, 5);
    FAILS(ardm_item_encode(&out, m, &item, 4), ARDM_ENOMEM, "limit");
    ck_assert_uint_eq(out.size, 5); /* nothing of a failed encode stays */
    item.symbols[2] = 4;
    FAILS(ardm_item_encode(&out, m, &item, 0), ARDM_EINVAL, "a symbol is 4");
    ardm_item_free(&item);
    ardm_bytes_free(&out);
}
END_TEST

START_TEST(asks_for_levels) {
    const ardm_modality *m = NULL;
    uint16_t levels[12];
    const int64_t extents[3] = {2, 3, 1}, large[3] = {300, 300, 1};
    OK(ardm_modality_find(&m, "org.example.liar"));
    ck_assert_str_eq(ardm_modality_orders(m), "plain|stripes");
    OK(ardm_modality_levels(levels, m, "stripes", 2, extents, 2));
    for (int u = 0; u < 12; ++u) ck_assert_uint_eq(levels[u], u % 2);
    OK(ardm_modality_levels(levels, m, "plain", 2, extents, 2));
    ck_assert_uint_eq(levels[11], 0);
    lie = 20;
    OK(ardm_modality_levels(levels, m, "plain", 2, extents, 2));
    ck_assert_uint_eq(levels[11], 65535);
    lie = 21;
    FAILS(ardm_modality_levels(levels, m, "plain", 2, extents, 2), ARDM_EUNSUPPORTED, "stripes");
    lie = 0;
    FAILS(ardm_modality_levels(levels, m, "stripe", 2, extents, 2), ARDM_ENOTFOUND, "there are: plain|stripes");
    FAILS(ardm_modality_levels(levels, m, "plain", 2, large, 2), ARDM_EINVAL, "65536");
    FAILS(ardm_modality_levels(levels, modality("image"), "plain", 2, extents, 2), ARDM_ENOTFOUND, "there is none");
    liar_modality.size = offsetof(ardm_modality, orders); /* an older author's table: what follows it is not read */
    ck_assert_str_eq(ardm_modality_orders(m), "");
    FAILS(ardm_modality_levels(levels, m, "plain", 2, extents, 2), ARDM_ENOTFOUND, "there is none");
    liar_modality.size = sizeof liar_modality;
}
END_TEST

START_TEST(refuses_malformed_tables) {
    static ardm_plugin wrong[4];
    static ardm_modality short_modality;
    for (int k = 0; k < 4; ++k) wrong[k] = liar;
    wrong[0].abi = 2;
    wrong[1].size = 8;
    wrong[2].id = "";
    short_modality = liar_modality;
    short_modality.read = NULL;
    wrong[3].id = "org.example.short";
    wrong[3].modalities = &short_modality;
    const ardm_plugin_entry_info *entries;
    uint32_t before, after;
    OK(ardm_plugins_list(&entries, &before));
    for (int k = 0; k < 4; ++k) {
        liar = wrong[k];
        OK(ardm_plugins_add(liar_entry, "wrong"));
        OK(ardm_plugins_list(&entries, &after));
        ck_assert_uint_eq(after, before + (uint32_t)k + 1);
        ck_assert_ptr_null(entries[after - 1].plugin);
        ck_assert_ptr_nonnull(entries[after - 1].why);
    }
}
END_TEST

static void add_liar(void) {
    const ardm_plugin_entry_info *entries;
    uint32_t count;
    OK(ardm_plugins_list(&entries, &count));
    OK(ardm_plugins_add(liar_entry, "linked in"));
}

Suite *loader_suite(void) {
    Suite *suite = suite_create("loader");
    TCase *search = tcase_create("search"), *lies = tcase_create("lies");
    tcase_add_test(search, refuses_what_anybody_may_write);
    tcase_add_test(search, refuses_what_is_no_module);
    tcase_add_test(search, loads_each_plugin_once);
    tcase_add_unchecked_fixture(lies, add_liar, NULL);
    tcase_add_test(lies, believes_no_plugin);
    tcase_add_test(lies, bounds_the_output);
    tcase_add_test(lies, asks_for_levels);
    tcase_add_test(lies, refuses_malformed_tables);
    suite_add_tcase(suite, search);
    suite_add_tcase(suite, lies);
    return suite;
}
