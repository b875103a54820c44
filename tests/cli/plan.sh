#!/usr/bin/env bash
# ardm plan: the table of layers adds up to the summary, and every product's operations are counted again from its shapes.
set -u
ardm=$1 golden=$(cd "$2" && pwd) root=$(cd "$2/../.." && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
cat > read.py <<'PYTHON'
import json, math, subprocess, sys

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
sys.exit(not good)
PYTHON
python3 read.py "$ardm" "$root" "$golden"
