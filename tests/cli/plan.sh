#!/usr/bin/env bash
# ardm plan: the table of layers adds up to the summary, every product's operations are counted again from its shapes, and the paper's configs
# have the paper's parameters, counted again from its appendix.
set -u
failed=0
ardm=$1 golden=$(cd "$2" && pwd) root=$(cd "$2/../.." && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
cat > read.py <<'PYTHON'
import json, math, os, subprocess, sys

ardm, root, golden = sys.argv[1:4]
good = True
def check(what, holds):
    global good
    good &= bool(holds)
    print(("ok: " if holds else "FAILED: ") + what)

def run(*args):
    done = subprocess.run([ardm, "plan", *args, "--device", "reference"], capture_output=True, text=True)
    if done.returncode:
        print("FAILED: plan %s: %s" % (" ".join(args), done.stderr))
        sys.exit(1)
    return done.stdout

def count(shape):
    return math.prod(int(d) for d in shape[shape.index("[") + 1:-1].split(",") if d)

def numbers(config):
    """Of a config: parameters, after the table and the JSON have been held against each other and against the shapes."""
    name = config.split("/")[-1]
    facts, text = json.loads(run(config, "--layers", "--json")), run(config, "--layers")
    layers = facts["layers"]
    tensors = [t for l in layers for t in l["tensors"]]
    check(name + ": parameters of the layers are those of the network", sum(t["parameters"] for t in tensors) == facts["parameters"] > 0)
    check(name + ": operations of the layers are those of the network", math.isclose(sum(l["flop"] for l in layers), facts["forward"]["flop"]))
    seen, twice = set(), 0
    for t in tensors:
        twice += t["parameters"] != (0 if t["name"] in seen else count(t["shape"]))
        seen.add(t["name"])
    check(name + ": a tensor counts once", twice == 0)
    wrong = 0
    for l in layers:
        if l["op"] in ("matmul", "conv") and l["tensors"]:
            shape = [int(d) for d in l["tensors"][0]["shape"].partition("[")[2][:-1].split(",")]
            inputs = shape[1] if l["tensors"][0]["name"] == "token.table" else math.prod(shape[:-1])
            wrong += not math.isclose(l["flop"], 2 * inputs * count(l["output"]))
    check(name + ": a product costs twice its inputs an output", wrong == 0)
    check(name + ": bytes of an output", all(l["output_bytes"] >= count(l["output"]) * 4 for l in layers if l["output"].startswith(("f32", "i32"))))
    lines = text.splitlines()
    total = lines[-1].split()
    check(name + ": the table's total", total[0] == "total" and int(total[1]) == facts["parameters"] == int(lines[0].split()[0]) and
          abs(float(total[2]) * 1e6 - facts["forward"]["flop"]) < 100 and int(total[3]) == sum(l["output_bytes"] for l in layers))
    rows = [l for l in lines[lines.index("") + 2:-1]]
    check(name + ": a line a tensor", len(rows) == sum(max(1, len(l["tensors"])) for l in layers))
    check(name + ": no table without --layers", "layers" not in json.loads(run(config, "--json")) and "total" not in run(config))
    return facts

for toy in ("bytes", "tiles", "staged"):
    numbers("%s/%s.ini" % (golden, toy))
few = json.loads(run(golden + "/tiles.ini", "--json", "--memory", "4M"))
check("less memory, smaller batches", few["largest_batch"] < json.loads(run(golden + "/tiles.ini", "--json"))["largest_batch"])

def unet(outputs, stages=0, attentions=1, ids=256, d=256):
    norm, dense = lambda c: 2 * c, lambda a, b: a * b + b
    conv = lambda a, b: 9 * a * b + b
    block = lambda c: norm(c) + conv(c, d) + dense(4 * d, d) + norm(d) + conv(d, d) + (dense(c, d) if c != d else 0)
    enter = conv(6 + stages, 192) + ids * 64 + dense(192, 64)
    time = dense(d, 4 * d) + dense(4 * d, 4 * d)
    return enter + time + 34 * block(d) + 33 * block(2 * d) + attentions * (norm(d) + dense(d, 3 * d) + dense(d, d)) + norm(d) + conv(d, outputs)

def text(inputs, classes, d=768):
    return inputs * d + 12 * (4 * d * d + 4 * d + 8 * d * d + 5 * d) + 2 * d + d * classes + classes

def sound(inputs, ids, outputs, d=256):
    dense, taps = lambda a, b: a * b + b, lambda a, b: 3 * a * b + b
    block = dense(4 * d, d) + taps(d, 2 * d) + 2 * dense(d, d)
    return taps(inputs, 192) + ids * 64 + dense(64, 64) + dense(d, 4 * d) + dense(4 * d, 4 * d) + 36 * block + dense(d, d) + dense(d, outputs)

# Ours, by shape; the paper's millions, within what is said beside the config.
want = {"cifar-oa": (unet(768, ids=257), 123.9), "cifar-oa-attention": (unet(768, ids=257, attentions=66), 141.1),
        "text8-oa": (text(28, 27), 85.06), "text8-causal": (text(28, 27), 85.06), "text8-permuted": (text(28, 27), 85.06), "text8-raster": (text(28, 27), 85.06),
        "sc09": (sound(2 + 2, 65536, 90) - (256 * 256 + 256), 33.95)}
for base, stages in ((2, 8), (4, 4), (16, 2)):
    want["cifar-upscale-%d-direct" % base] = (unet(3 * stages * base, stages), 122.3)
    want["cifar-upscale-%d-data" % base] = (unet(768, stages), 123.9)
configs = sorted(f[:-4] for f in os.listdir(root + "/samples/configs/paper"))
check("a count for every config of the paper", configs == sorted(want))
for name in configs:
    facts, (exact, millions) = json.loads(run("%s/samples/configs/paper/%s.ini" % (root, name), "--json")), want[name]
    check("%s: %d parameters, the paper's %.2f M" % (name, exact, millions), facts["parameters"] == exact and
          abs(exact / 1e6 / millions - 1) < (0.002 if name == "sc09" else 0.001))
numbers(root + "/samples/configs/paper/cifar-oa.ini")
check("216 GFLOP a picture", abs(json.loads(run(root + "/samples/configs/paper/cifar-oa.ini", "--json"))["forward"]["flop"] / 216e9 - 1) < 0.02)
sys.exit(not good)
PYTHON
python3 read.py "$ardm" "$root" "$golden" || failed=1

# What the paper's form lacks is said, not done.
config() { # key lines of [network], of [head], order
  printf '[data]\npath = none\nwindow = 64\n[modality]\nid = %s\n[process]\nfamily = %s\n[order]\nfamily = %s\n[network]\n%s\n[head]\nkind = %s\n' "$@" > bad.ini
}
refused() { # what is said
  if "$ardm" plan bad.ini --device reference > out 2> err; then echo "FAILED: a config is not refused: $1"; failed=1; elif grep -q -- "$1" err; then
    echo "ok: refused: $1"; else echo "FAILED: not said: $1"; cat err; failed=1; fi
}
config text absorbing uniform $'kind = transformer\ntime = yes' softmax
refused "time is for kind = transformer of form = paper"
config text absorbing blocks:1-4 $'kind = transformer\nform = paper\ntime = yes' softmax
refused "no time in common"
config text absorbing blocks:1-4 $'kind = transformer\nconv = 3' softmax
refused "for a transformer whose order is not blocks"
config text absorbing uniform $'kind = transformer\nconv = 4' softmax
refused "conv 4: an odd number"
config image absorbing uniform $'kind = unet\nevery = 2' softmax
refused "every is for kind = unet of form = paper"
config image absorbing uniform $'kind = unet\nform = paper\nstem = 128' softmax
refused "stem 128 must be below width 128"
config image absorbing uniform $'kind = unet\nform = paper' mixture
refused "takes softmax, direct or data"
exit $failed
