/* What a recipe of the network of sounds may say, and what it is told where it may not. */
#include <stdio.h>
#include <string.h>

#include "ardm/recipe.h"
#include "support/checks.h"

static const char *const body = "[data]\npath = a.wav\nwindow = 64\n[modality]\nid = audio\n[order]\nfamily = dyadic\n[network]\nkind = diffwave\n"
                                "width = 20\nlayers = 3\nheads = 6\ncycle = 2\n";

/* A recipe of the network above with more lines; the text must live as long. */
static ardm_status parse(ardm_recipe **recipe, const char *more) {
    static char text[1024];
    snprintf(text, sizeof text, "%s%s", body, more);
    return ardm_recipe_parse(recipe, "sounds.ini", text, strlen(text));
}

/* Refused with both words in the message, by the text alone or by what the data tells. */
static void refused(const char *more, int64_t classes, int64_t channels, const char *a, const char *b) {
    ardm_recipe *recipe = NULL;
    ardm_process *process = NULL;
    ardm_status status = parse(&recipe, more);
    if (status == ARDM_OK) status = ardm_recipe_resolve(recipe, classes, channels, &process);
    ck_assert_msg(status == ARDM_EUNSUPPORTED && strstr(ardm_message(), a) && strstr(ardm_message(), b), "%s with %lld classes gives: %s", more,
                  (long long)classes, status == ARDM_OK ? "no error" : ardm_message());
    ck_assert_ptr_null(process);
    ardm_recipe_free(&recipe);
}

START_TEST(what_is_refused) {
    static const char cure[] = "family = zero-least-significant and base = 256";
    static const char *const heads[] = {"softmax", "data", "direct"};
    char more[128];
    for (size_t i = 0; i < sizeof heads / sizeof *heads; i++) {
        snprintf(more, sizeof more, "[head]\nkind = %s\n", heads[i]);
        refused(more, 65536, 1, "65536", cure);
        refused(more, 4097, 1, "4097", cure);
        refused(more, 256, 2, "one channel", "2");
    }
    refused("[head]\nkind = mixture\n", 256, 2, "one channel", "2");
    refused("[process]\nfamily = zero-least-significant\nbase = 8192\n[head]\nkind = mixture\n", 65536, 1, "8192", cure);
    /* 64 samples of 65,536 logits: 65 items are just too many, as many in parts are not (what_is_taken) */
    refused("[process]\nfamily = zero-least-significant\nbase = 256\n[head]\nkind = data\n[train]\nbatch = 65\n", 65536, 1, "65 items of 64 units",
            "2^28");
}
END_TEST

START_TEST(what_is_taken) {
    static const struct {
        const char *more;
        int64_t classes, stages, base;
        int32_t head;
    } forms[] = {
        {"", 4096, 1, 4096, ARDM_HEAD_SOFTMAX},
        {"[head]\nkind = mixture\n", 65536, 1, 65536, ARDM_HEAD_MIXTURE},
        {"[head]\nkind = mixture\n", 256, 1, 256, ARDM_HEAD_MIXTURE},
        {"[process]\nfamily = zero-least-significant\nbase = 256\n[head]\nkind = mixture\n", 65536, 2, 256, ARDM_HEAD_CDF},
        {"[process]\nfamily = zero-least-significant\nbase = 256\n[head]\nkind = data\n[train]\nbatch = 64\n", 65536, 2, 256, ARDM_HEAD_DATA},
        {"[process]\nfamily = zero-least-significant\nbase = 256\n[head]\nkind = data\n[train]\nbatch = 128\naccumulate = 2\n", 65536, 2, 256,
         ARDM_HEAD_DATA},
        {"[process]\nfamily = zero-least-significant\nbase = 16\n[head]\nkind = direct\n", 65536, 4, 16, ARDM_HEAD_DIRECT}};
    for (size_t i = 0; i < sizeof forms / sizeof *forms; i++) {
        ardm_recipe *recipe = NULL;
        ardm_process *process = NULL;
        ardm_graph *graph = NULL;
        ck_ok(parse(&recipe, forms[i].more));
        ck_ok(ardm_recipe_resolve(recipe, forms[i].classes, 1, &process));
        ck_assert_int_eq(recipe->network.kind, ARDM_NETWORK_DIFFWAVE);
        ck_assert_int_eq(recipe->network.cycle, 2);
        ck_assert_int_eq(recipe->network.stages, forms[i].stages);
        ck_assert_int_eq(recipe->network.base, forms[i].base);
        ck_assert_int_eq(recipe->network.head, forms[i].head);
        ck_ok(ardm_network_graph(&graph, &recipe->network));
        ardm_graph_free(&graph);
        ardm_process_free(&process);
        ardm_recipe_free(&recipe);
    }
}
END_TEST

int main(void) {
    Suite *suite = suite_create("train/recipe");
    TCase *tcase = tcase_create("recipe");
    tcase_add_test(tcase, what_is_refused);
    tcase_add_test(tcase, what_is_taken);
    suite_add_tcase(suite, tcase);
    SRunner *runner = srunner_create(suite);
    srunner_set_fork_status(runner, CK_NOFORK);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed != 0;
}
