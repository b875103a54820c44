/* Finds every device of every platform once a process, and picks one by name. Platforms without devices are walked past. */
#include <ctype.h>
#include <inttypes.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "device_private.h"

/* Queries of extensions, by number since headers differ. */
#define DEVICE_PCI_BUS_INFO_KHR 0x410F
#define DEVICE_UUID_KHR 0x106A
#define DEVICE_BOARD_NAME_AMD 0x4038
#define DEVICE_TOPOLOGY_AMD 0x4037
#define DEVICE_PCI_BUS_ID_NV 0x4008
#define DEVICE_PCI_SLOT_ID_NV 0x4009
#define DEVICE_PCI_DOMAIN_ID_NV 0x400A

enum { MOST_PLATFORMS = 32, MOST_DEVICES = 128 };

static ardm_device_entry entries[MOST_DEVICES + 1]; /* one more for the reference device */
static cl_device_id ids[MOST_DEVICES + 1];
static char uuids[MOST_DEVICES + 1][33];
static size_t n_entries;
static pthread_once_t once = PTHREAD_ONCE_INIT;
static pid_t process;

static const char *keep(const char *text) {
    char *copy = strdup(text);
    return copy ? copy : "";
}

static const char *device_text(cl_device_id id, cl_device_info what) {
    size_t size = 0;
    if (clGetDeviceInfo(id, what, 0, NULL, &size) != CL_SUCCESS || size == 0) return "";
    char *text = calloc(1, size + 1);
    if (!text) return "";
    if (clGetDeviceInfo(id, what, size, text, NULL) != CL_SUCCESS) text[0] = '\0';
    /* Some drivers pad names with blanks. */
    size_t begin = strspn(text, " "), end = strlen(text);
    while (end > begin && text[end - 1] == ' ') --end;
    memmove(text, text + begin, end - begin);
    text[end - begin] = '\0';
    return text;
}

static const char *platform_text(cl_platform_id platform, cl_platform_info what) {
    char text[512] = "";
    if (clGetPlatformInfo(platform, what, sizeof text - 1, text, NULL) != CL_SUCCESS) text[0] = '\0';
    return keep(text);
}

static uint64_t device_number(cl_device_id id, cl_device_info what) {
    /* Answers are 4 or 8 bytes, little-endian, so one wide variable takes both. */
    uint64_t value = 0;
    return clGetDeviceInfo(id, what, sizeof value, &value, NULL) == CL_SUCCESS ? value : 0;
}

static const char *pci_address(cl_device_id id) {
    char text[32];
    cl_uint khr[4], bus, slot, domain = 0;
    struct {
        cl_uint type;
        cl_char unused[17], bus, device, function;
    } amd;
    if (clGetDeviceInfo(id, DEVICE_PCI_BUS_INFO_KHR, sizeof khr, khr, NULL) == CL_SUCCESS) {
        snprintf(text, sizeof text, "%04x:%02x:%02x.%x", khr[0] & 0xffff, khr[1] & 0xff, khr[2] & 0xff, khr[3] & 0xf);
        return keep(text);
    }
    if (clGetDeviceInfo(id, DEVICE_PCI_BUS_ID_NV, sizeof bus, &bus, NULL) == CL_SUCCESS &&
        clGetDeviceInfo(id, DEVICE_PCI_SLOT_ID_NV, sizeof slot, &slot, NULL) == CL_SUCCESS) {
        clGetDeviceInfo(id, DEVICE_PCI_DOMAIN_ID_NV, sizeof domain, &domain, NULL);
        snprintf(text, sizeof text, "%04x:%02x:%02x.%x", domain & 0xffff, bus & 0xff, (slot >> 3) & 0x1f, slot & 7);
        return keep(text);
    }
    if (clGetDeviceInfo(id, DEVICE_TOPOLOGY_AMD, sizeof amd, &amd, NULL) == CL_SUCCESS && amd.type == 1) {
        snprintf(text, sizeof text, "0000:%02x:%02x.%x", amd.bus & 0xff, amd.device & 0xff, amd.function & 0xf);
        return keep(text);
    }
    return "";
}

static void device_uuid(cl_device_id id, char out[33]) {
    uint8_t bytes[16];
    out[0] = '\0';
    if (clGetDeviceInfo(id, DEVICE_UUID_KHR, sizeof bytes, bytes, NULL) != CL_SUCCESS) return;
    for (int k = 0; k < 16; ++k) snprintf(out + 2 * k, 3, "%02x", bytes[k]);
}

static uint32_t class_of(uint64_t type) {
    /* A simulator claims all types at once; it is slow whatever it says, so the humblest claim counts. */
    if (type & CL_DEVICE_TYPE_CPU) return ARDM_CLASS_CPU;
    if (type & CL_DEVICE_TYPE_ACCELERATOR) return ARDM_CLASS_ACCELERATOR;
    return type & CL_DEVICE_TYPE_GPU ? ARDM_CLASS_GPU : ARDM_CLASS_ACCELERATOR;
}

/* What the core of ardm cannot do without. */
static const char *unusable(cl_device_id id, const ardm_device_facts *facts) {
    int major = 0, minor = 0;
    char text[160];
    if (!device_number(id, CL_DEVICE_AVAILABLE)) return "the driver says it is not available";
    if (!device_number(id, CL_DEVICE_COMPILER_AVAILABLE)) return "it has no compiler";
    if (strcmp(device_text(id, CL_DEVICE_PROFILE), "FULL_PROFILE") != 0) return "it is not a full profile device";
    if (!device_number(id, CL_DEVICE_ENDIAN_LITTLE)) return "it is big-endian";
    if (sscanf(facts->version, "OpenCL %d.%d", &major, &minor) != 2 || major * 10 + minor < 12) {
        snprintf(text, sizeof text, "it offers \"%.40s\"; OpenCL 1.2 is needed", facts->version);
        return keep(text);
    }
    uint64_t config = device_number(id, CL_DEVICE_SINGLE_FP_CONFIG);
    if (!(config & CL_FP_ROUND_TO_NEAREST) || !(config & CL_FP_INF_NAN)) return "its floats do not round to nearest or lack infinities";
    if (facts->base_alignment > ARDM_ALIGN) return "its buffers need a wider alignment than 512 bytes";
    return NULL;
}

static void add_device(cl_platform_id platform, cl_device_id id, uint32_t platform_index, uint32_t device_index) {
    ardm_device_facts *facts = &entries[n_entries].facts;
    const char *board = device_text(id, DEVICE_BOARD_NAME_AMD), *extensions = device_text(id, CL_DEVICE_EXTENSIONS);
    size_t sizes[3] = {0};
    facts->abi = ARDM_DEVICE_ABI;
    facts->size = sizeof *facts;
    facts->device_class = class_of(device_number(id, CL_DEVICE_TYPE));
    facts->compute_units = (uint32_t)device_number(id, CL_DEVICE_MAX_COMPUTE_UNITS);
    facts->global_bytes = device_number(id, CL_DEVICE_GLOBAL_MEM_SIZE);
    facts->max_allocation = device_number(id, CL_DEVICE_MAX_MEM_ALLOC_SIZE);
    facts->local_bytes = device_number(id, CL_DEVICE_LOCAL_MEM_SIZE);
    facts->max_work_group = device_number(id, CL_DEVICE_MAX_WORK_GROUP_SIZE);
    /* A variant puts whole groups along the first axis. */
    if (clGetDeviceInfo(id, CL_DEVICE_MAX_WORK_ITEM_SIZES, sizeof sizes, sizes, NULL) == CL_SUCCESS && sizes[0] < facts->max_work_group)
        facts->max_work_group = sizes[0];
    facts->native_float_width = (uint32_t)device_number(id, CL_DEVICE_NATIVE_VECTOR_WIDTH_FLOAT);
    facts->has_fp64 = strstr(extensions, "cl_khr_fp64") != NULL;
    facts->has_fast_fma = (device_number(id, CL_DEVICE_SINGLE_FP_CONFIG) & CL_FP_FMA) != 0;
    facts->has_subgroups = strstr(extensions, "cl_khr_subgroups") != NULL || strstr(extensions, "cl_intel_subgroups") != NULL;
    facts->base_alignment = (uint32_t)device_number(id, CL_DEVICE_MEM_BASE_ADDR_ALIGN) / 8;
    facts->platform = platform_text(platform, CL_PLATFORM_NAME);
    facts->name = board[0] ? board : device_text(id, CL_DEVICE_NAME); /* AMD's device name is a code name */
    facts->vendor = device_text(id, CL_DEVICE_VENDOR);
    facts->driver = device_text(id, CL_DRIVER_VERSION);
    facts->version = device_text(id, CL_DEVICE_VERSION);
    facts->c_version = device_text(id, CL_DEVICE_OPENCL_C_VERSION);
    facts->pci = pci_address(id);
    facts->platform_index = platform_index;
    facts->device_index = device_index;
    entries[n_entries].why = unusable(id, facts);
    ids[n_entries] = id;
    device_uuid(id, uuids[n_entries]);
    ++n_entries;
}

static void find_all(void) {
    cl_platform_id platforms[MOST_PLATFORMS];
    cl_uint n_platforms = 0;
    process = getpid();
    /* Without any driver the loader answers an error: then there is the reference device alone. */
    if (clGetPlatformIDs(MOST_PLATFORMS, platforms, &n_platforms) != CL_SUCCESS) n_platforms = 0;
    if (n_platforms > MOST_PLATFORMS) n_platforms = MOST_PLATFORMS;
    for (cl_uint p = 0; p < n_platforms; ++p) {
        cl_device_id found[MOST_DEVICES];
        cl_uint count = 0;
        if (clGetDeviceIDs(platforms[p], CL_DEVICE_TYPE_ALL, MOST_DEVICES, found, &count) != CL_SUCCESS) continue;
        for (cl_uint d = 0; d < count && n_entries < MOST_DEVICES; ++d) add_device(platforms[p], found[d], p, d);
    }
    long pages = sysconf(_SC_PHYS_PAGES), page = sysconf(_SC_PAGESIZE), processors = sysconf(_SC_NPROCESSORS_ONLN);
    uint64_t memory = pages > 0 && page > 0 ? (uint64_t)pages * (uint64_t)page : 0;
    entries[n_entries].facts = (ardm_device_facts){.abi = ARDM_DEVICE_ABI,
                                                   .size = sizeof(ardm_device_facts),
                                                   .device_class = ARDM_CLASS_REFERENCE,
                                                   .compute_units = processors > 0 ? (uint32_t)processors : 1,
                                                   .global_bytes = memory,
                                                   .max_allocation = memory,
                                                   .max_work_group = 1,
                                                   .native_float_width = 1,
                                                   .has_fp64 = 1,
                                                   .base_alignment = 64,
                                                   .platform = "ardm",
                                                   .name = "reference",
                                                   .vendor = "ardm",
                                                   .driver = "1",
                                                   .version = "C reference",
                                                   .c_version = "",
                                                   .pci = "",
                                                   .platform_index = n_platforms,
                                                   .device_index = 0};
    ++n_entries;
}

ardm_status ardm_device_list(const ardm_device_entry **out, size_t *count) {
    pthread_once(&once, find_all);
    *out = entries;
    *count = n_entries;
    return ARDM_OK;
}

ardm_status ardm__check_process(void) {
    if (process == getpid()) return ARDM_OK;
    return ardm_fail(ARDM_EDEVICE, "OpenCL was started before this process was forked, and drivers do not survive that; open devices after the fork");
}

static int contains(const char *text, const char *part) {
    size_t length = strlen(part);
    for (; *text; ++text) {
        size_t k = 0;
        while (k < length && text[k] && tolower((unsigned char)text[k]) == tolower((unsigned char)part[k])) ++k;
        if (k == length) return 1;
    }
    return 0;
}

static int same(const char *a, const char *b) { return strlen(a) == strlen(b) && contains(a, b); }

/* Higher is better: class first, then the widest native vector. Strictly greater wins, so of equals the first listed is taken. */
static uint64_t rank_of(const ardm_device_facts *facts) { return ((uint64_t)facts->device_class << 32) | facts->native_float_width; }

static int matches(size_t k, const char *name) {
    const ardm_device_facts *facts = &entries[k].facts;
    uint32_t p, d;
    char rest;
    if (name[strspn(name, "0123456789:")] == '\0' && sscanf(name, "%" SCNu32 ":%" SCNu32 "%c", &p, &d, &rest) == 2)
        return facts->device_class != ARDM_CLASS_REFERENCE && facts->platform_index == p && facts->device_index == d;
    if (same(name, "cpu")) return facts->device_class == ARDM_CLASS_CPU;
    if (same(name, "gpu")) return facts->device_class == ARDM_CLASS_GPU;
    if (same(name, "accelerator")) return facts->device_class == ARDM_CLASS_ACCELERATOR;
    if (same(name, "reference")) return facts->device_class == ARDM_CLASS_REFERENCE;
    if (facts->device_class == ARDM_CLASS_REFERENCE) return 0;
    if (facts->pci[0] && (same(facts->pci, name) || (strncmp(facts->pci, "0000:", 5) == 0 && same(facts->pci + 5, name)))) return 1;
    return (uuids[k][0] && same(uuids[k], name)) || contains(facts->name, name) || contains(facts->platform, name);
}

static ardm_status not_found(const char *name) {
    char text[1500] = "";
    size_t used = 0;
    for (size_t k = 0; k < n_entries && used < sizeof text; ++k) {
        const ardm_device_facts *facts = &entries[k].facts;
        int written;
        if (facts->device_class == ARDM_CLASS_REFERENCE)
            written = snprintf(text + used, sizeof text - used, "%sreference", used ? ", " : "");
        else
            written = snprintf(text + used, sizeof text - used, "%s%" PRIu32 ":%" PRIu32 " %.80s%s%.80s", used ? ", " : "", facts->platform_index,
                               facts->device_index, facts->name, entries[k].why ? " unusable: " : "", entries[k].why ? entries[k].why : "");
        used += written > 0 ? (size_t)written : 0;
    }
    return ardm_fail(ARDM_ENOTFOUND, "no device matches \"%s\"; present: %s", name, text);
}

ardm_status ardm__device_at(const ardm_device_entry **out, cl_device_id *id, size_t index) {
    pthread_once(&once, find_all);
    if (index >= n_entries) return ardm_fail(ARDM_ENOTFOUND, "device %zu of %zu", index, n_entries);
    *out = &entries[index];
    *id = ids[index];
    return ARDM_OK;
}

/* Fills `order` with the usable devices that match, best first; returns how many. */
ardm_status ardm__device_find(size_t *order, size_t *count, const char *name) {
    const char *refused = NULL;
    size_t n = 0;
    pthread_once(&once, find_all);
    for (size_t k = 0; k < n_entries; ++k) {
        if (name && name[0] && !matches(k, name)) continue;
        if (entries[k].why) {
            refused = entries[k].why;
            continue;
        }
        size_t at = n++;
        while (at > 0 && rank_of(&entries[order[at - 1]].facts) < rank_of(&entries[k].facts)) {
            order[at] = order[at - 1];
            --at;
        }
        order[at] = k;
    }
    *count = n;
    if (n > 0) return ARDM_OK;
    if (refused) return ardm_fail(ARDM_EDEVICE, "device \"%s\" cannot be used: %s", name, refused);
    return not_found(name ? name : "");
}
