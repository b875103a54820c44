/* host_config.c: what INI text may hold, what is refused with which words, and text that is cut or damaged anywhere. */
#include <locale.h>
#include <stdlib.h>
#include <string.h>

#include "ardm/config.h"
#include "host.h"

static const ardm_config_key keys[] = {
    {"data", "path", ARDM_KEY_TEXT, NULL, 0, 0, NULL, NULL, "the file to learn"},
    {"data", "shape", ARDM_KEY_TEXT, "", 0, 0, NULL, NULL, NULL},
    {"process", "family", ARDM_KEY_CHOICE, "absorbing", 0, 0, "absorbing|upscale|zero-least-significant", NULL, NULL},
    {"train", "steps", ARDM_KEY_INT, "1000", 1, 1e9, NULL, "steps", NULL},
    {"train", "lr", ARDM_KEY_FLOAT, "1e-4", 0, 1, NULL, NULL, NULL},
    {"train", "average", ARDM_KEY_BOOL, "yes", 0, 0, NULL, NULL, NULL},
};

static ardm_config *config;

static ardm_status parse_bytes(const char *text, size_t size) {
    return ardm_config_parse(&config, "x.ini", text, size, keys, sizeof keys / sizeof keys[0]);
}

static ardm_status parse(const char *text) { return parse_bytes(text, strlen(text)); }

static const char good[] = "# a comment\n"
                           "[data]\n"
                           "path = \"a; b.txt\"   ; quoted, so the first semicolon is text\r\n"
                           "shape=32x32x3 # plain\n"
                           "\n"
                           "[process]\n"
                           "  family\t= zero-least-significant\n"
                           "[train]\n"
                           "Steps = 042\n"
                           "lr = 2.5e-3\n"
                           "average = off";

START_TEST(values_and_defaults) {
    ck_ok(parse(good));
    ck_assert_str_eq(ardm_config_text(config, "data", "path"), "a; b.txt");
    ck_assert_str_eq(ardm_config_text(config, "data", "shape"), "32x32x3");
    ck_assert_str_eq(ardm_config_text(config, "process", "family"), "zero-least-significant");
    ck_assert_int_eq(ardm_config_int(config, "train", "steps"), 42); /* no octal */
    ck_assert(ardm_config_float(config, "train", "lr") == 2.5e-3);
    ck_assert_int_eq(ardm_config_bool(config, "train", "average"), 0);
    ck_assert_int_eq(ardm_config_given(config, "train", "lr"), 1);
    ardm_config_free(&config);
    ck_assert_ptr_null(config);

    ck_ok(parse("\xef\xbb\xbf[data]\npath = \xc3\xa9t\xc3\xa9\n[train]\n"));
    ck_assert_str_eq(ardm_config_text(config, "data", "path"), "\xc3\xa9t\xc3\xa9");
    ck_assert_str_eq(ardm_config_text(config, "data", "shape"), "");
    ck_assert_str_eq(ardm_config_text(config, "process", "family"), "absorbing");
    ck_assert_int_eq(ardm_config_int(config, "train", "steps"), 1000);
    ck_assert(ardm_config_float(config, "train", "lr") == 1e-4);
    ck_assert_int_eq(ardm_config_bool(config, "train", "average"), 1);
    ck_assert_int_eq(ardm_config_given(config, "train", "lr"), 0);
    ardm_config_free(&config);
}
END_TEST

#define OPEN "[data]\npath = p\n"

static const struct {
    const char *text, *words;
} refused[] = {
    {"", "[data] path: must be given: the file to learn"},
    {OPEN "[data]\n", "x.ini:3: [data] was given already in line 1"},
    {OPEN "PATH = q\n", "x.ini:3: [data] path was given already in line 2"},
    {OPEN "shap = 3\n", "x.ini:3: [data] has no key shap; the nearest is shape"},
    {OPEN "average = 1\n", "[data] has no key average; it belongs to [train]"},
    {OPEN "zzzzzzz = 1\n", "[data] has no key zzzzzzz"},
    {OPEN "[trian]\n", "section [trian] is unknown; the nearest is [train]"},
    {OPEN "[zzzzzzzzz]\n", "section [zzzzzzzzz] is unknown"},
    {"path = p\n", "x.ini:1: a key stands before the first [section]"},
    {OPEN "[train] ; text\n", "a section is [name] and nothing else"},
    {OPEN "[]\n", "a section's name is"},
    {OPEN "[a b]\n", "a section's name is"},
    {OPEN "x\n", "x.ini:3: neither"},
    {OPEN "= 3\n", "a key is 1 to 63"},
    {OPEN "data:shape = 3\n", "a key is 1 to 63"},
    {OPEN "shape = 3\\\nx\n", "backslash"},
    {OPEN "# note \\\n", "backslash"},
    {OPEN "shape = \"3\n", "a quote is not closed"},
    {OPEN "shape = \"3\" 4\n", "text follows the closing quote"},
    {OPEN "shape = 3\x1b[2J\n", "a control character"},
    {OPEN "[train]\nsteps = 0x10\n", "x.ini:4: [train] steps: \"0x10\" is not a whole number"},
    {OPEN "[train]\nsteps = 10 20\n", "is not a whole number"},
    {OPEN "[train]\nsteps =\n", "is not a whole number"},
    {OPEN "[train]\nsteps = 0\n", "0 is outside 1 to 1000000000"},
    {OPEN "[train]\nsteps = 99999999999999999999\n", "is outside"},
    {OPEN "[train]\nlr = nan\n", "\"nan\" is not a number"},
    {OPEN "[train]\nlr = 0x1p-3\n", "is not a number"},
    {OPEN "[train]\nlr = 0,5\n", "is not a number"},
    {OPEN "[train]\nlr = 1e999\n", "is outside 0 to 1"},
    {OPEN "[train]\naverage = maybe\n", "is neither yes nor no"},
    {OPEN "[process]\nfamily = absorb\n", "is not one of absorbing|upscale|zero-least-significant"},
    {OPEN "[process]\nfamily = absorbing|upscale\n", "is not one of"},
};

START_TEST(refusals_say_why) {
    ck_fails(ARDM_EINVAL, refused[_i].words, parse(refused[_i].text));
    ck_assert_ptr_null(config);
}
END_TEST

START_TEST(long_lines_and_nul_are_refused) {
    char text[2200] = OPEN "shape = ";
    size_t start = strlen(text);
    memset(text + start, 'a', 1000 - 8);
    ck_ok(parse(text)); /* 1,000 bytes in the line */
    ck_assert_uint_eq(strlen(ardm_config_text(config, "data", "shape")), 1000 - 8);
    ardm_config_free(&config);
    text[start + 1000 - 8] = 'a';
    ck_fails(ARDM_EINVAL, "x.ini:3: 1001 bytes in one line", parse(text));
    ck_fails(ARDM_EINVAL, "x.ini:3: a NUL character", parse_bytes(OPEN "shape = \0\n", sizeof OPEN + 9));
}
END_TEST

/* Cut text says what whole text says, or less, or is refused with words. */
START_TEST(every_truncation) {
    int accepted = 0;
    for (size_t n = 0; n < sizeof good; n++) {
        char *cut = malloc(n + 1); /* its own allocation, so that reading past it shows */
        memcpy(cut, good, n);
        cut[n] = '\0';
        ardm_status status = parse_bytes(cut, n);
        free(cut);
        if (status) {
            ck_assert_int_eq(status, ARDM_EINVAL);
            ck_assert(!strncmp(ardm_message(), "x.ini:", 6));
            continue;
        }
        accepted++;
        const char *path = ardm_config_text(config, "data", "path"), *shape = ardm_config_text(config, "data", "shape");
        ck_assert(!*path || !strcmp(path, "a; b.txt")); /* never half of what stands in quotes */
        ck_assert(!strncmp(shape, "32x32x3", strlen(shape)));
        if (ardm_config_given(config, "train", "steps")) ck_assert(strstr("042", ardm_config_text(config, "train", "steps")));
        ardm_config_free(&config);
    }
    ck_assert_int_ge(accepted, 50);
    ck_assert_int_lt(accepted, (int)sizeof good);
}
END_TEST

/* One byte replaced by each of these, at every place: a config or words, never anything else. */
START_TEST(every_mutation) {
    static const char bytes[] = "\0\n\r\t =[]\"';#:\\%x7\xff\x7f";
    int accepted = 0, rejected = 0;
    for (size_t at = 0; at < sizeof good - 1; at++)
        for (size_t b = 0; b < sizeof bytes - 1; b++) {
            char text[sizeof good];
            memcpy(text, good, sizeof good);
            text[at] = bytes[b];
            ardm_status status = parse_bytes(text, sizeof good - 1);
            ck_assert(status == ARDM_OK || status == ARDM_EINVAL);
            ck_assert((config != NULL) == (status == ARDM_OK));
            if (status) ck_assert_uint_gt(strlen(ardm_message()), 10);
            if (bytes[b] == '\0') ck_assert_int_eq(status, ARDM_EINVAL);
            status ? rejected++ : accepted++;
            ardm_config_free(&config);
        }
    ck_assert_int_gt(accepted, 100);
    ck_assert_int_gt(rejected, 100);
}
END_TEST

START_TEST(whole_numbers) {
    int64_t got = 0;
    ck_ok(ardm_parse_int(&got, "n", "-9223372036854775808", INT64_MIN, INT64_MAX));
    ck_assert(got == INT64_MIN);
    ck_ok(ardm_parse_int(&got, "n", "+9223372036854775807", INT64_MIN, INT64_MAX));
    ck_assert(got == INT64_MAX);
    ck_ok(ardm_parse_int(&got, "n", "0010", 0, 10));
    ck_assert_int_eq(got, 10);
    static const char *const bad[] = {"", "-", "+", " 1", "1 ", "1.0", "0x1", "1e3", "--1", "9223372036854775808", "-9223372036854775809", "11"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        int64_t low = i < 9 ? INT64_MIN : i < 11 ? INT64_MIN : 0, high = i < 11 ? INT64_MAX : 10;
        ck_fails(ARDM_EINVAL, "--steps: ", ardm_parse_int(&got, "--steps", bad[i], low, high));
        ck_assert_int_eq(got, 10); /* untouched */
    }
}
END_TEST

START_TEST(decimal_numbers) {
    static const struct {
        const char *text;
        double value;
    } fine[] = {{"0", 0}, {"1.", 1}, {".5", 0.5}, {"-1.25e+2", -125}, {"+3E-1", 0.3}, {"0.1", 0.1}, {"1e-400", 0}};
    static const char *const bad[] = {"", ".", "e1", "1e", "1e+", "inf", "nan", "0x1", "1 ", " 1", "1,5", "1.2.3", "1f"};
    static const char *const locales[] = {"C", "de_DE.UTF-8", "fr_FR.UTF-8"};
    double got = -1;
    for (size_t l = 0; l < sizeof locales / sizeof *locales; l++) {
        if (!setlocale(LC_NUMERIC, locales[l])) continue; /* not installed here */
        for (size_t i = 0; i < sizeof fine / sizeof *fine; i++) {
            ck_ok(ardm_parse_float(&got, "x", fine[i].text, -1000, 1000));
            ck_assert(got == fine[i].value);
        }
    }
    setlocale(LC_NUMERIC, "C");
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) ck_fails(ARDM_EINVAL, "is not a number", ardm_parse_float(&got, "x", bad[i], -1000, 1000));
    ck_fails(ARDM_EINVAL, "is outside -1 to 1", ardm_parse_float(&got, "x", "1.0000001", -1, 1));
}
END_TEST

START_TEST(nearest_names) {
    static const char *const names[] = {"steps", "batch", "warmup", "lr", "zero-least-significant", NULL};
    static const char *const none[] = {NULL};
    ck_assert_str_eq(ardm_nearest("step", names), "steps");
    ck_assert_str_eq(ardm_nearest("bacth", names), "batch");
    ck_assert_str_eq(ardm_nearest("warm-up", names), "warmup");
    ck_assert_str_eq(ardm_nearest("rl", names), "lr");
    ck_assert_ptr_null(ardm_nearest("momentum", names));
    ck_assert_ptr_null(ardm_nearest("", names));
    ck_assert_ptr_null(ardm_nearest("steps", none));
    char word[5000];
    memset(word, 's', sizeof word - 1);
    word[sizeof word - 1] = '\0';
    ck_assert_ptr_null(ardm_nearest(word, names));
}
END_TEST

Suite *config_suite(void) {
    Suite *suite = suite_create("config");
    TCase *tests = tcase_create("config");
    tcase_set_timeout(tests, 60);
    tcase_add_test(tests, values_and_defaults);
    tcase_add_loop_test(tests, refusals_say_why, 0, (int)(sizeof refused / sizeof *refused));
    tcase_add_test(tests, long_lines_and_nul_are_refused);
    tcase_add_test(tests, every_truncation);
    tcase_add_test(tests, every_mutation);
    tcase_add_test(tests, whole_numbers);
    tcase_add_test(tests, decimal_numbers);
    tcase_add_test(tests, nearest_names);
    suite_add_tcase(suite, tests);
    return suite;
}
