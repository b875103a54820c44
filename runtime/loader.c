/* Plugins: where they are looked for, what is refused, and the list of those that are loaded. */
#include "ardm/loader.h"

#include <dirent.h>
#include <dlfcn.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "ardm/log.h"
#include "task.h"

enum { MOST_PLUGINS = 64, MOST_POWERS = 16, MOST_PATH = 4096 };

static ardm_plugin_entry_info entries[MOST_PLUGINS];
static uint32_t n_entries;
static int searched;
static struct {
    const char *id;
    const void *power;
} powers[MOST_POWERS];
static uint32_t n_powers;

const void *ardm__power(const char *id) {
    for (uint32_t k = 0; id && k < n_powers; ++k)
        if (strcmp(powers[k].id, id) == 0) return powers[k].power;
    return NULL;
}

ardm_status ardm_plugins_provide(const char *id, const void *power) {
    if (n_powers == MOST_POWERS) return ardm_fail(ARDM_ENOMEM, "%d powers are provided to plugins, the most there may be", MOST_POWERS);
    powers[n_powers].id = id;
    powers[n_powers++].power = power;
    return ARDM_OK;
}

static char *copy_text(const char *text) {
    size_t n = strlen(text) + 1;
    char *copy = malloc(n);
    return copy ? memcpy(copy, text, n) : NULL;
}

/* Strings live for ever, as the list does. */
static ardm_status add_entry(const char *path, const ardm_plugin *plugin, const char *why) {
    if (n_entries == MOST_PLUGINS) return ardm_fail(ARDM_ENOMEM, "more than %d plugins", MOST_PLUGINS);
    ardm_plugin_entry_info info = {copy_text(path), plugin, why ? copy_text(why) : NULL};
    if (!info.path || (why && !info.why)) return ardm_fail(ARDM_ENOMEM, "no memory for the list of plugins");
    entries[n_entries++] = info;
    return ARDM_OK;
}

static ardm_status refuse(const char *path, const char *why) {
    ardm_log_write(ARDM_LOG_WARNING, "plugin %s: %s", path, why);
    return add_entry(path, NULL, why);
}

static int text_is_set(const char *text) { return text != NULL && text[0] != '\0'; }

/* Tables of an older author are shorter: everything before what was appended must be there. */
enum { LEAST_MODALITY = offsetof(ardm_modality, orders) };

static const char *modality_fault(const ardm_modality *m) {
    if (m->abi != ARDM_PLUGIN_ABI) return "a modality has another ABI version";
    if (m->size < LEAST_MODALITY) return "a modality's table is too short";
    if (!text_is_set(m->id) || strlen(m->id) > 63) return "a modality has no id";
    if (!text_is_set(m->variants) || !m->help || !m->metric || !m->suffix || !m->config) return "a modality's texts are not all set";
    if (!m->probe || !m->open || !m->read || !m->close || !m->begin || !m->write || !m->end || !m->blank || !m->synthesise)
        return "a modality's functions are not all set";
    if (m->n_settings > 0 && (!m->settings || m->setting_stride < sizeof(ardm_setting))) return "a modality's settings are too short";
    if (m->size >= sizeof *m && text_is_set(m->orders) && !m->levels) return "a modality has orders and no levels";
    return NULL;
}

/* Found twice on the search path: no fault. */
static const char twice[] = "a plugin of this id is loaded already";

static const char *plugin_fault(const ardm_plugin *p) {
    if (!p) return "its entry gave no table";
    if (p->abi != ARDM_PLUGIN_ABI) return "it was built for another ABI version";
    if (p->size < sizeof *p) return "its table is too short";
    if (!text_is_set(p->id) || !text_is_set(p->name) || !p->version || !p->licence) return "its id, name, version or licence is not set";
    if (p->n_modalities > 64 || (p->n_modalities > 0 && (!p->modalities || p->modality_stride < LEAST_MODALITY)))
        return "its list of modalities is malformed";
    for (uint32_t k = 0; k < p->n_modalities; ++k) {
        const char *fault = modality_fault((const ardm_modality *)((const char *)p->modalities + (size_t)k * p->modality_stride));
        if (fault) return fault;
    }
    for (uint32_t k = 0; k < n_entries; ++k)
        if (entries[k].plugin && strcmp(entries[k].plugin->id, p->id) == 0) return twice;
    return NULL;
}

ardm_status ardm_plugins_add(const ardm_plugin *(*entry)(const ardm_host *host), const char *path) {
    const ardm_plugin *plugin = entry(&ardm__plugin_host);
    const char *fault = plugin_fault(plugin);
    if (fault == twice) ardm_log_write(ARDM_LOG_DEBUG, "plugin %s: %s", path, fault);
    return fault && fault != twice ? refuse(path, fault) : add_entry(path, fault ? NULL : plugin, fault);
}

static int anyone_may_write(const char *path) {
    struct stat facts;
    return stat(path, &facts) != 0 || (facts.st_mode & S_IWOTH) != 0;
}

static ardm_status load(const char *path) {
    const ardm_plugin *(*entry)(const ardm_host *host);
    if (anyone_may_write(path)) return refuse(path, "anybody may write to the file; it is not loaded");
    void *module = dlopen(path, RTLD_NOW | RTLD_LOCAL);
    if (!module) return refuse(path, dlerror());
    void *symbol = dlsym(module, "ardm_plugin_entry");
    if (!symbol) return refuse(path, "it has no ardm_plugin_entry");
    memcpy(&entry, &symbol, sizeof entry); /* ISO C has no conversion from object to function pointer */
    return ardm_plugins_add(entry, path);
}

static int by_name(const void *a, const void *b) { return strcmp(*(char *const *)a, *(char *const *)b); }

static ardm_status load_files(const char *folder) {
    char *names[MOST_PLUGINS], path[MOST_PATH];
    uint32_t count = 0;
    ardm_status status = ARDM_OK;
    DIR *dir = opendir(folder);
    if (!dir) return ARDM_OK;
    if (anyone_may_write(folder)) {
        closedir(dir);
        return refuse(folder, "anybody may write to the folder; nothing in it is loaded");
    }
    for (struct dirent *e; (e = readdir(dir)) != NULL && count < MOST_PLUGINS;) {
        size_t n = strlen(e->d_name);
        if (n > 3 && strcmp(e->d_name + n - 3, ".so") == 0 && (names[count] = copy_text(e->d_name)) != NULL) count++;
    }
    closedir(dir);
    qsort(names, count, sizeof names[0], by_name);
    for (uint32_t k = 0; k < count; ++k) {
        int n = snprintf(path, sizeof path, "%s/%s", folder, names[k]);
        if (status == ARDM_OK && n > 0 && (size_t)n < sizeof path) status = load(path);
        free(names[k]);
    }
    return status;
}

/* What joins the processes of a job is of use to them alone. */
static ardm_status load_folder(const char *folder) {
    char path[MOST_PATH];
    ARDM_TRY(load_files(folder));
    if (!ardm__launched() || (size_t)snprintf(path, sizeof path, "%s/ranks", folder) >= sizeof path) return ARDM_OK;
    return load_files(path);
}

/* `suffix` behind the folder of the program. */
static ardm_status load_beside(const char *suffix) {
    char path[MOST_PATH];
    ssize_t n = readlink("/proc/self/exe", path, sizeof path - 1);
    if (n <= 0) return ARDM_OK;
    path[n] = '\0';
    char *slash = strrchr(path, '/');
    size_t room = slash ? sizeof path - (size_t)(slash - path) : 0;
    if (!slash || strlen(suffix) + 2 > room) return ARDM_OK;
    strcpy(slash + 1, suffix);
    return load_folder(path);
}

static ardm_status search(void) {
    const char *list = getenv("ARDM_PLUGIN_PATH");
    char folder[MOST_PATH];
    while (list && *list) {
        size_t n = strcspn(list, ":");
        if (n > 0 && n < sizeof folder) {
            memcpy(folder, list, n);
            folder[n] = '\0';
            ARDM_TRY(load_folder(folder));
        }
        list += n + (list[n] == ':');
    }
    ARDM_TRY(load_beside("plugins"));
    ARDM_TRY(load_beside("../plugins"));
    return load_beside("../" ARDM_LIBDIR "/ardm");
}

ardm_status ardm_plugins_list(const ardm_plugin_entry_info **out, uint32_t *count) {
    if (!searched) {
        searched = 1;
        ARDM_TRY(search());
    }
    *out = entries;
    *count = n_entries;
    return ARDM_OK;
}
