"""mutate.py SOURCE BUILD: breaks the method in the ways that are easy to get wrong; the tests must notice each.

Copies SOURCE into the folder BUILD (its own, deleted first), configures it once, and for every mutation changes one place, builds the
test program, expects it to fail, and puts the place back. A mutation whose text is gone is an error too: then this list is stale.
Files named after BUILD restrict the list."""
import os
import shutil
import subprocess
import sys

HOST = ("method_host", "tests/method/method_host")

# name, file, old text (exactly once in the file), new text
MUTATIONS = [
    ("weight N/(N-n+1)", "method/example.c", ": pairs) / remaining + auxiliary)", ": pairs) / (remaining + 1) + auxiliary)"),
    ("rank read as a position list", "method/order.c", "place[b[i].unit] = (int32_t)start[o->level[b[i].unit]]++;", "place[i] = (int32_t)b[i].unit;"),
    ("stage off by one", "method/example.c", "e->stage = (int32_t)stage;", "e->stage = stage ? (int32_t)stage - 1 : 0;"),
    ("child of the stage before", "method/process.c", "return (uint32_t)(x % p->width[stage] / p->width[stage + 1]);",
     "return (uint32_t)(x / p->width[stage + 1] % p->base * (stage > 0));"),
    ("loss over all cells", "method/example.c", "int32_t asked = remaining > 0 && (causal || l == e->level);", "int32_t asked = remaining > 0;"),
    ("empty schedule steps", "method/schedule.c", "if (n && p == last) continue;", ""),
    ("the worse of two equal slopes", "method/schedule_cell.c", "if (s->intercept[line] >= s->intercept[s->queue[tail - 1]])",
     "if (s->intercept[line] < s->intercept[s->queue[tail - 1]])"),
    ("argmax tie rule", "ops/frequency/row.c", "if (key > best) {", "if (key >= best) {"),
    ("remainder to the last symbol", "ops/frequency/row.c", "f[a] += ARDM_FREQUENCY_TOTAL - sum;", "f[n - 1] += ARDM_FREQUENCY_TOTAL - sum;"),
    ("coder forward", "method/rans.c", "for (size_t i = n; i-- > 0;) {", "for (size_t i = 0; i < n; i++) {"),
    ("one word a symbol", "method/rans.c", "while (x >= freq << BITS) {", "if (x >= freq << BITS) {"),
    ("given units coded", "method/order.c", "if (state == ARDM_VOID || state == ARDM_GIVEN) continue;", "if (state == ARDM_VOID) continue;"),
    ("pooling without counts", "method/curve.c", "a->weight += b->weight;", "a->weight = 1;"),
    ("curve inside the identity", "method/model_parts.c", 'if (!starts(m->tensors[i].name, "curve.")) identity_tensor', "identity_tensor"),
    ("bf16 by truncation", "method/model_export.c", "up = bits + 0x7fffu + (bits >> 16 & 1);", "up = bits;"),
    ("a cut archive passes", "method/archive_read.c",
     'return indexed ? ardm_fail(ARDM_EFORMAT, "its trailer is missing") : ARDM_OK;', "return ARDM_OK;"),
]


def build(folder, target):
    return subprocess.run(["cmake", "--build", folder, "--target", target, "-j", str(os.cpu_count() or 1)], capture_output=True, text=True)


def main():
    source, folder, only = os.path.abspath(sys.argv[1]), os.path.abspath(sys.argv[2]), sys.argv[3:]
    copy = os.path.join(folder, "source")
    if os.path.isdir(folder) and set(os.listdir(folder)) - {"source", "build"}:
        print("%s holds other files; name a folder of its own" % folder)
        return 1
    shutil.rmtree(folder, ignore_errors=True)  # an object of a former mutation must not survive
    shutil.copytree(source, copy, ignore=shutil.ignore_patterns("build", "build-*", ".git"))
    made = os.path.join(folder, "build")
    subprocess.run(["cmake", "-S", copy, "-B", made, "-DCMAKE_BUILD_TYPE=Release"], check=True, stdout=subprocess.DEVNULL)
    target, program = HOST
    first = build(made, target)
    if first.returncode:
        print(first.stdout[-2000:] + first.stderr[-2000:])
        return 1
    program = os.path.join(made, program)
    if subprocess.run([program], capture_output=True).returncode:
        print("the tests fail without any mutation")
        return 1
    survivors = 0
    for name, file, old, new in MUTATIONS:
        if only and file not in only:
            continue
        path = os.path.join(copy, file)
        with open(path) as f:
            text = f.read()
        if text.count(old) != 1:
            print("stale: %s: its text is %d times in %s" % (name, text.count(old), file))
            survivors += 1
            continue
        with open(path, "w") as f:
            f.write(text.replace(old, new))
        result = build(made, target)
        if result.returncode:
            print("stale: %s does not build:\n%s" % (name, (result.stdout + result.stderr)[-800:]))
            survivors += 1
        else:
            try:
                killed = subprocess.run([program], capture_output=True, timeout=120).returncode != 0
            except subprocess.TimeoutExpired:
                killed = True
            print("%s: %s" % ("killed" if killed else "SURVIVED", name), flush=True)
            survivors += not killed
        with open(path, "w") as f:
            f.write(text)
    print("%d of %d mutations killed" % (len(MUTATIONS) - survivors, len(MUTATIONS)) if not only else "%d survivors" % survivors)
    return survivors != 0


sys.exit(main())
