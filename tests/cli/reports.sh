#!/usr/bin/env bash
# The reports of ardm schedule and ardm eval: every number again by another path, every picture read back.
set -u
ardm=$1 golden=$(cd "$2" && pwd)
export LSAN_OPTIONS=suppressions=$golden/../cli/lsan.txt:print_suppressions=0 # where the program is built with sanitizers
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
failed=0
d="--device reference"
run() { "$@" > out 2> err || { echo "FAILED: $*: exit $?"; cat out err; failed=1; }; }
refused() { # what is said, command …
  local says=$1
  shift
  if "$@" > out 2> err; then echo "FAILED: $* is not refused"; failed=1; elif grep -q -- "$says" err; then echo "ok: refused: $says"; else
    echo "FAILED: $* does not say $says:"; cat err; failed=1; fi
}
check() { python3 "$work/read.py" "$@" || failed=1; }
cp "$golden/boat.ppm" "$golden/prose.txt" .

# A model that the paper's comparison fits: order uniform, absorbing, over smooth pictures of 64 units.
python3 - <<'PYTHON'
import random
random.seed(3)
def item(h, w):
    a, b, c = random.uniform(60, 190), random.uniform(-9, 9), random.uniform(-9, 9)
    return bytes(max(0, min(255, round(a + b * (y - h / 2) + c * (x - w / 2) + random.gauss(0, 3)))) for y in range(h) for x in range(w))
for name, count in (("train", 300), ("test", 200)):
    open(name + ".raw", "wb").write(b"".join(item(8, 8) for _ in range(count)))
open("tile.ppm", "wb").write(b"P6\n16 16\n255\n" + bytes(v for v in item(16, 16) for _ in range(3)))
PYTHON
cat > uniform.ini <<'INI'
[data]
path = train.raw
shape = 8x8x1
tile = 8
[modality]
id = image
variant = grey
[order]
family = uniform
[network]
kind = unet
width = 16
layers = 1
heads = 0
stem = 8
groups = 4
scales = 2
[head]
kind = mixture
mixtures = 2
[train]
steps = 100
batch = 16
warmup = 10
given = 0
checkpoint = 100
evaluate = 100
[eval]
items = 32
INI
run "$ardm" train uniform.ini --data . $d -o run
uniform=run/model.ardm
cat > read.py <<'PYTHON'
import json, math, struct, sys, xml.etree.ElementTree as tree, zlib

good = True
def check(what, holds):
    global good
    good &= bool(holds)
    print(("ok: " if holds else "FAILED: ") + what)

def near(a, b, within=1e-9):
    return abs(a - b) <= within * max(1, abs(b))

def read(path):
    return json.load(open(path))

def png(path):
    """Width, height and rows of RGB bytes of an 8-bit PNG."""
    data, at, packed = open(path, "rb").read(), 8, b""
    assert data[:8] == b"\x89PNG\r\n\x1a\n"
    while at < len(data):
        size, kind = struct.unpack(">I4s", data[at:at + 8])
        if kind == b"IHDR":
            w, h, depth, colour = struct.unpack(">IIBB", data[at + 8:at + 18])
            assert (depth, colour) == (8, 2)
        packed += data[at + 8:at + 8 + size] if kind == b"IDAT" else b""
        at += 12 + size
    raw, rows, above = zlib.decompress(packed), [], bytes(3 * w)
    for y in range(h):
        line, row = raw[y * (3 * w + 1):(y + 1) * (3 * w + 1)], bytearray(3 * w)
        for i in range(3 * w):
            a, b, c = row[i - 3] if i >= 3 else 0, above[i], above[i - 3] if i >= 3 else 0
            p = a + b - c
            paeth = min((abs(p - a), 0, a), (abs(p - b), 1, b), (abs(p - c), 2, c))[2]
            row[i] = (line[i + 1] + (0, a, b, (a + b) // 2, paeth)[line[0]]) & 255
        rows.append(row)
        above = row
    return w, h, rows

def losses(path):
    """Of every cell, from a schedule of a call a unit."""
    cells = read(path)[0]["cells"]
    assert all(c["steps"] == list(range(c["units"])) for c in cells)
    return [c["losses"] for c in cells]

def plot(svg, everything, schedule, curves):
    root = tree.parse(svg).getroot()
    name = "{http://www.w3.org/2000/svg}"
    lines = [e for e in root.iter(name + "polyline") if e.get("class") == "curve"]
    bars = [e for e in root.iter(name + "rect") if e.get("class") == "step"]
    texts = [e.text for e in root.iter(name + "text")]
    check("%s has %d curves" % (svg, curves), len(lines) == curves)
    check("a bar for each of %d calls" % len(bars), len(bars) == sum(len(c["steps"]) for c in read(schedule)[0]["cells"]))
    check("told apart by stroke", len({(e.get("stroke"), e.get("stroke-dasharray")) for e in lines}) == curves)
    check("with a legend and units", sum("units" in t for t in texts) >= curves and any("bits a dimension" in t for t in texts))
    ticks = sorted((float(e.get("y")), float(e.text)) for e in root.iter(name + "text") if e.get("text-anchor") == "end")
    (top, most), (bottom, zero) = ticks[0], ticks[-1]
    xs = sorted(float(e.get("x")) for e in root.iter(name + "text") if e.text in ("0", "1") and e.get("text-anchor") == "middle")
    worst = 0
    for line, cell in zip(lines, losses(everything)):
        for x, y in (map(float, p.split(",")) for p in line.get("points").split()):
            n = min(len(cell) - 1, round((x - xs[0]) / (xs[1] - xs[0]) * len(cell)))
            worst = max(worst, abs(zero + (bottom - y) / (bottom - top) * (most - zero) - cell[n]) / most)
    check("and every point is the loss it stands for", zero == 0 and worst < 1e-4)
    edges = sorted({round(n / c["units"], 3) for c in read(schedule)[0]["cells"] for n in c["steps"]})
    check("and bars begin at steps", edges == sorted({round((float(b.get("x")) - xs[0]) / (xs[1] - xs[0]), 3) for b in bars}))

def picture(path, svg):
    w, h, rows = png(path)
    root = tree.parse(svg).getroot()
    check("%s is of the same size, on white" % path, (w, h) == (int(root.get("width")), int(root.get("height"))) and rows[0][:3] == b"\xff" * 3)
    pixels = {bytes(r[i:i + 3]) for r in rows for i in range(0, 3 * w, 3)}
    strokes = {bytes.fromhex(e.get("stroke")[1:]) for e in root.iter("{http://www.w3.org/2000/svg}polyline")}
    check("and has all colours", strokes <= pixels)

def best(loss, most):
    """Least cost in 1 … most steps, by the definition."""
    n, costs = len(loss), []
    cost = [0] + [math.inf] * n
    for _ in range(most):
        cost = [math.inf] + [min(cost[s] + (t - s) * loss[s] for s in range(t)) for t in range(1, n + 1)]
        costs.append(cost[n])
    return costs

def budgets(table, everything):
    cells = losses(everything)
    n = sum(map(len, cells)) / (max(c["stage"] for c in read(everything)[0]["cells"]) + 1)
    costs = [best(c, min(len(c), 40)) for c in cells]
    for row in read(table):
        calls = row["calls"]
        if calls > 40:
            continue
        split = {0: 0}  # any split at all
        for c in costs:
            split = merge(split, c)
        count, left = [0] * len(cells), calls
        while left:
            for i in range(len(cells)):
                if left and count[i] < len(cells[i]):
                    count[i] += 1
                    left -= 1
        equal = sum(c[k - 1] for c, k in zip(costs, count))
        check("%d calls cost %.4f, %.4f, %.4f" % (calls, row["bits_per_dim"], row["equal_split"], row["uniform_steps"]),
              near(row["bits_per_dim"], split[calls] / n) and near(row["equal_split"], equal / n)
              and row["bits_per_dim"] <= row["equal_split"] + 1e-12 and row["bits_per_dim"] <= row["uniform_steps"] + 1e-12)
        if len(cells) == 1:
            steps = [round(j * len(cells[0]) / calls) for j in range(calls)] + [len(cells[0])]
            check("uniform steps too", near(row["uniform_steps"], sum((b - a) * cells[0][a] for a, b in zip(steps, steps[1:])) / n))

def merge(split, costs):
    out = {}
    for k, v in split.items():
        for j, c in enumerate(costs):
            out[k + j + 1] = min(out.get(k + j + 1, math.inf), v + c)
    return out

def compare(path, everything, columns):
    r, loss = read(path), losses(everything)[0]
    n = len(loss)
    costs = best(loss, 20)
    found = {c["calls"]: c for c in r["columns"]}
    check("columns by network calls: %s" % list(found), list(found) == columns and r["units"] == n)
    for calls, c in found.items():
        if calls is None:
            check("the limit is the sum of the losses", near(c["diffusion_predicted"], sum(loss) / n) and c["useful_calls"] == n)
        else:
            # B_T by its definition: of m undecided units step t decides 1/t.
            b = sum(math.comb(n, m) * (t / calls) ** m * (1 - t / calls) ** (n - m) * m * loss[n - m] / t
                    for t in range(1, calls + 1) for m in range(1, n + 1)) / n
            check("diffusion in %d calls: %.4f predicted" % (calls, b), near(c["diffusion_predicted"], b, 1e-7))
            check("of which %.2f decide something" % c["useful_calls"], near(c["useful_calls"], calls * (1 - (1 - 1 / calls) ** n)))
        if calls is not None and calls <= 20:
            check("in parallel: %.4f predicted" % c["parallel_predicted"], near(c["parallel_predicted"], costs[calls - 1] / n))
    pairs = [("diffusion_predicted", c["diffusion_predicted"], c["diffusion_measured"]) for c in found.values()]
    pairs += [("parallel_predicted", c["parallel_predicted"], c["parallel_measured"]) for c in found.values() if "parallel_measured" in c]
    pairs += [("the bound", sum(loss) / n, c["order_agnostic"]) for c in found.values() if "order_agnostic" in c]
    return found, pairs

def compared(path, everything, columns):
    found, pairs = compare(path, everything, columns)
    one = found[1]
    check("nothing known, all asked: one call of both is one thing",
          near(one["parallel_measured"]["bits_per_dim"], one["diffusion_measured"]["bits_per_dim"], 1e-6))
    check("more calls cost less", found[1]["diffusion_measured"]["bits_per_dim"] > found[16]["diffusion_measured"]["bits_per_dim"] + 0.1
          and found[16]["parallel_measured"]["bits_per_dim"] < found[16]["diffusion_measured"]["bits_per_dim"])
    full, bound = found[64]["parallel_measured"], found[64]["order_agnostic"]
    check("one order in full %.4f, any order %.4f" % (full["bits_per_dim"], bound["bits_per_dim"]),
          abs(full["bits_per_dim"] - bound["bits_per_dim"]) < 4 * math.hypot(full["error"], bound["error"]))
    limit = found[None]["diffusion_measured"]
    check("the limit is the bound: %.4f ± %.4f" % (limit["bits_per_dim"], limit["error"]),
          abs(limit["bits_per_dim"] - bound["bits_per_dim"]) < 4 * math.hypot(limit["error"], bound["error"]))

def fitted(path):
    for c in read(path)["columns"]:
        for kind in ("parallel", "diffusion"):
            if kind + "_measured" not in c:
                continue
            m = c[kind + "_measured"]
            off = abs(m["bits_per_dim"] - c[kind + "_predicted"]) / m["error"]
            check("%s in %s calls: %.4f ± %.4f, %.4f by other items" % (
                kind, c["calls"], m["bits_per_dim"], m["error"], c[kind + "_predicted"]), off < 5)

def calibration(path, items, draws, cells):
    r = read(path)
    for t in [r] + r["cells"]:
        table = t["most_probable"]
        check("%s: error %.4f, by chance %.4f" % (t.get("cell", "all"), t["error"], t["chance"]),
              near(t["error"], sum(b["share"] * abs(b["predicted"] - b["observed"]) for b in table))
              and near(t["chance"], sum(b["share"] * b["error"] for b in table) * math.sqrt(2 / math.pi)) and near(sum(b["share"] for b in table), 1)
              and all(b["low"] <= b["predicted"] <= b["high"] for b in table))
    check("%d cells" % cells, len(r["cells"]) == cells and r["items"] == items and r["draws"] == draws)
    events = sum(b["events"] for b in r["most_probable"])
    check("%d predictions" % events, items * draws <= events and events == sum(b["events"] for c in r["cells"] for b in c["most_probable"]))
    every = r["every_outcome"]
    check("every outcome of each has a bin", sum(b["events"] for b in every) == 256 * events)
    # One outcome of all happens, and probabilities add up to 1.
    n = sum(b["events"] for b in every) / events
    check("which add up to one", all(near(sum(b["share"] * b[k] for b in every) * n, 1) for k in ("predicted", "observed")))

def listing(path):
    lines = open(path).read().splitlines()
    rows = [line.split("\t") for line in lines if not line.startswith("# ")]
    return float(lines[0].split()[5]), [int(r[1]) for r in rows], [float(r[3]) for r in rows]

def listed(path, summary, source):
    total, symbols, bits = listing(path)
    content = open(source, "rb").read()
    content = content[-len(bits):] if source.endswith(".ppm") else content
    check("%s: %d symbols, %.3f bits" % (path, len(bits), total), bytes(symbols) == content)
    said = read(summary)[0]
    check("which add up", near(sum(bits), total, 1e-6) and near(said["bits"], total, 1e-6) and near(said["bits_per_dim"], total / len(bits), 1e-6))

def scheduled(path, result):
    total, _, bits = listing(path)
    check("to the schedule's cost, %.4f bits a dimension" % (total / len(bits)), near(read(result)["scheduled"], total / len(bits), 1e-7))

def coded(path, size):
    total, _, _ = listing(path)
    check("to what compress writes, %s bytes and %.1f of the model" % (size, total / 8), total / 8 <= int(size) <= total / 8 + 90)

VIRIDIS = [(68, 1, 84), (71, 44, 122), (59, 81, 139), (44, 113, 142), (33, 144, 141), (39, 173, 129), (92, 200, 99), (170, 220, 50), (253, 231, 37)]
def mapped(path, listing_path, height, width):
    w, h, rows = png(path)
    _, symbols, bits = listing(listing_path)
    pixels = [sum(bits[3 * i:3 * i + 3]) for i in range(height * width)]
    most, scale, wrong = math.ceil(sorted(pixels)[(len(pixels) - 1) * 199 // 200]), 384 // width, 0
    for i, value in enumerate(pixels):
        x, y = 20 + (i % width) * scale + scale // 2, 44 + i // width * scale + scale // 2
        at = min(value / most * 8, 8)
        k = min(int(at), 7)
        want = [VIRIDIS[k][c] + (at - k) * (VIRIDIS[k + 1][c] - VIRIDIS[k][c]) for c in range(3)]
        wrong += list(rows[y][3 * x:3 * x + 3]) != symbols[3 * i:3 * i + 3]
        x += width * scale + 16
        wrong += any(abs(a - b) > 1 for a, b in zip(rows[y][3 * x:3 * x + 3], want))
    check("%s shows the picture and its bits" % path, wrong == 0)
    open("mask.ppm", "wb").write(b"P6\n%d %d\n255\n" % (w, h) + b"\xff" * 3 + bytes(3 * w * h - 3))

globals()[sys.argv[1]](*(json.loads(a) if a[0] in "[0123456789" else a for a in sys.argv[2:]))
sys.exit(not good)
PYTHON

# Curves and budgets.
for model in tiles staged; do
  run "$ardm" schedule "$golden/$model.ardm" --steps 100000 --json $d
  cp out $model-all.json
  run "$ardm" schedule "$golden/$model.ardm" --steps 20 --json $d --plot $model.svg
  cp out $model-20.json
  run "$ardm" schedule "$golden/$model.ardm" --steps 20 $d --plot $model.png
done
check plot tiles.svg tiles-all.json tiles-20.json 5
check plot staged.svg staged-all.json staged-20.json 4
check picture tiles.png tiles.svg
refused "exists already" "$ardm" schedule "$golden/tiles.ardm" $d --plot tiles.svg
refused "written as .svg or .png" "$ardm" schedule "$golden/tiles.ardm" $d --plot tiles.jpg
run "$ardm" schedule "$golden/bytes.ardm" --json $d --plot bytes.svg
if [ "$(grep -c 'class="curve"' bytes.svg)" = 4 ]; then echo "ok: a curve a block length"; else echo "FAILED: not 4 curves"; failed=1; fi
run "$ardm" schedule $uniform --steps 64 --json $d
cp out uniform-all.json
run "$ardm" schedule $uniform --json $d
check budgets out uniform-all.json
run "$ardm" schedule "$golden/tiles.ardm" --json $d
check budgets out tiles-all.json
run "$ardm" schedule $uniform $d
if grep -q "optimal split *equal split *uniform steps" out; then echo "ok: a table"; else echo "FAILED: no table"; cat out; failed=1; fi

# The paper's comparison.
run "$ardm" eval $uniform --compare --full --data test.raw --shape 8x8x1 --items 0:100 --draws 12 --calls 1,4,16,200 --json $d
cp out compare.json
check compared compare.json uniform-all.json "[1, 4, 16, 64, 200, null]"
run "$ardm" eval $uniform --compare --fit 100:200 --data test.raw --shape 8x8x1 --items 0:100 --draws 12 --calls 1,4,16,200 --json $d
check fitted out
run "$ardm" eval $uniform --compare --data test.raw --shape 8x8x1 --items 0:2 --draws 1 --calls 1,3 $d
if grep -q "^network calls  *1  *3  *64  *limit$" out && [ "$(grep -c ± out)" = 4 ]; then echo "ok: a table"; else
  echo "FAILED: no table"; cat out; failed=1; fi
refused "'quincunx' has 5 levels" "$ardm" eval "$golden/tiles.ardm" --compare --data boat.ppm $d
refused "has 4 stages" "$ardm" eval "$golden/staged.ardm" --compare --data boat.ppm $d
refused "'blocks:1-4' shows" "$ardm" eval "$golden/bytes.ardm" --compare --data prose.txt $d
refused "give up to" "$ardm" eval $uniform --compare --data test.raw --shape 8x8x1 --calls 1,,2 $d

# Calibration; a cell that no draw met has no error.
run "$ardm" eval "$golden/tiles.ardm" --calibration --data tile.ppm --draws 1 $d
if grep -q "level 0  *nothing was predicted" out; then echo "ok: an empty cell"; else
  echo "FAILED: no empty cell"; cat out; failed=1; fi
run "$ardm" eval $uniform --calibration --data test.raw --shape 8x8x1 --draws 2 --json $d
cp out calibration.json
check calibration calibration.json 200 2 1
run "$ardm" eval "$golden/tiles.ardm" --calibration --data tile.ppm --draws 64 --json $d
cp out cells.json
check calibration cells.json 1 64 5
run "$ardm" eval "$golden/bytes.ardm" --calibration --data prose.txt --draws 8 --json $d
cp out blocks.json
check calibration blocks.json 15 8 4
run "$ardm" eval $uniform --calibration --data test.raw --shape 8x8x1 --items 0:4 $d
if grep -q "expected calibration error" out; then echo "ok: tables"; else echo "FAILED: no tables"; cat out; failed=1; fi

# Bits of units.
run "$ardm" eval "$golden/tiles.ardm" --map tile.txt --json --data tile.ppm --steps 20 $d
check listed tile.txt out tile.ppm
run "$ardm" eval "$golden/tiles.ardm" --json --data tile.ppm --steps 20 --draws 1 $d
check scheduled tile.txt out
run "$ardm" eval "$golden/tiles.ardm" --map boat.txt --json --data boat.ppm --steps 20 $d
check listed boat.txt out boat.ppm
run "$ardm" eval "$golden/tiles.ardm" --map boat.png --data boat.ppm --steps 20 $d
check mapped boat.png boat.txt 21 23
run "$ardm" infill "$golden/tiles.ardm" boat.png --mask mask.ppm --steps 5 -o filled.png $d # the image plugin reads it, at the size it says
run "$ardm" eval "$golden/bytes.ardm" --map prose.tsv --json --data prose.txt --steps 32 $d
check listed prose.tsv out prose.txt
run "$ardm" compress prose.txt -m "$golden/bytes.ardm" --steps 32 -o prose.ardz $d
check coded prose.tsv "$(stat -c %s prose.ardz)"
run "$ardm" eval "$golden/bytes.ardm" --map - --data prose.txt --steps 32 $d
if cmp out prose.tsv; then echo "ok: to standard output"; else echo "FAILED: standard output differs"; failed=1; fi
refused "only pictures" "$ardm" eval "$golden/bytes.ardm" --map prose.png --data prose.txt $d
refused "written as .png" "$ardm" eval "$golden/tiles.ardm" --map boat.svg --data boat.ppm $d
refused "-f overwrites" "$ardm" eval "$golden/tiles.ardm" --map boat.png --data boat.ppm $d
exit $failed
