#!/usr/bin/env bash
# What eval says: coded bytes are those of the files that compress writes, and a prediction holds on items that it was not fitted on.
set -u
ardm=$1 golden=$(cd "$2" && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
failed=0
device=$("$ardm" devices | sed -n 's/^\([0-9]*:[0-9]*\) .*/\1/p' | head -1)
d="--device ${device:-reference}"
run() { "$@" > out 2> err || { echo "FAILED: $*: exit $?"; cat out err; failed=1; }; }
same() { if [ "$2" = "$3" ]; then echo "ok: $1: $2"; else echo "FAILED: $1: $2, not $3"; failed=1; fi; }
field() { python3 -c 'import json, sys; print(json.load(open(sys.argv[1]))[sys.argv[2]])' "$1" "$2"; }

# Pictures, smooth with noise, drawn one like the other: any half of them says the same of the other. And one picture of many tiles.
python3 - <<'PYTHON'
import random
random.seed(11)
def item(h, w):
    a, b, c = random.uniform(60, 190), random.uniform(-5, 5), random.uniform(-5, 5)
    return bytes(max(0, min(255, round(a + b * (y - h / 2) + c * (x - w / 2) + random.gauss(0, 6)))) for y in range(h) for x in range(w))
for name, count in (("train", 384), ("test", 192)):
    open(name + ".raw", "wb").write(b"".join(item(16, 16) for _ in range(count)))
open("large.ppm", "wb").write(b"P6\n80 80\n255\n" + bytes(v for v in item(80, 80) for _ in range(3)))
PYTHON
cat > model.ini <<'INI'
[data]
path = train.raw
shape = 16x16x1
tile = 16
[modality]
id = image
variant = grey
[order]
family = quincunx
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
steps = 120
batch = 8
warmup = 10
given = 0
checkpoint = 120
evaluate = 120
[eval]
items = 32
INI
run "$ardm" train model.ini --data . $d -o run

# Coded bytes: a small archive, one with a trailer, raw items one by one.
coded() { # what, file, model, options of eval, options of compress
  run "$ardm" eval "$3" --data "$2" --draws 1 --coded --json $d $4
  cp out coded.json
  rm -rf files
  run "$ardm" compress "$2" -m "$3" $d $5
  same "$1" "$(field coded.json coded_bytes)" "$(cat files* files/* 2> /dev/null | wc -c)"
  rm -rf files*
}
cp "$golden/boat.ppm" "$golden/prose.txt" .
coded "coded bytes of a picture" boat.ppm "$golden/tiles.ardm" "" "-o files.ardz"
coded "with fewer calls" boat.ppm "$golden/tiles.ardm" "--steps 10" "-o files.ardz --steps 10"
coded "of a large picture" large.ppm "$golden/tiles.ardm" "--steps 10" "-o files.ardz --steps 10"
coded "of a text" prose.txt "$golden/bytes.ardm" "--steps 16" "-o files.ardz --steps 16"
coded "of raw items" test.raw run/model.ardm "--shape 16x16x1 --items 3:8" "--shape 16x16x1 --items 3:8 --each -o files"
run "$ardm" eval run/model.ardm --data test.raw --shape 16x16x1 --items 3:8 --draws 1 --coded $d
if grep -q "coded, files on disk .*bytes)" out; then echo "ok: eval says so"; else echo "FAILED: eval says nothing of coded bytes"; failed=1; fi

# Predictions: the curve of one half, the measured cost of the other, for a long and a short schedule.
for steps in 48 8; do
  run "$ardm" eval run/model.ardm --data test.raw --shape 16x16x1 --items 0:96 --fit 96:192 --steps $steps --json $d
  cp out $steps.json
done
run "$ardm" eval run/model.ardm --data test.raw --shape 16x16x1 --items 0:4 --draws 1 --json $d
cp out plain.json
python3 - <<'PYTHON' || failed=1
import json, math, sys
def check(what, holds):
    print(("ok: " if holds else "FAILED: ") + what)
    return holds
good, read = True, {n: json.load(open(n + ".json")) for n in ("48", "8", "plain")}
for steps in ("48", "8"):
    r = read[steps]
    error = math.hypot(r["predicted_error"], r["scheduled_error"])
    off = abs(r["predicted"] - r["scheduled"])
    good &= check("%s calls" % steps, r["calls"] == int(steps) and r["items"] == 96)
    good &= check("predicted %.4f ± %.4f, measured %.4f ± %.4f: %.1f standard errors" % (
        r["predicted"], r["predicted_error"], r["scheduled"], r["scheduled_error"], off / error), off < 3 * error)
    good &= check("each error is above 0 and below 2 %", all(0 < r[k] < 0.02 * r["predicted"] for k in ("predicted_error", "scheduled_error")))
few, many = read["8"], read["48"]
# A prediction that did not know the schedule would be the same for both, or the bound.
error = math.hypot(few["predicted_error"], few["bound_error"])
good &= check("fewer calls are predicted to cost more: %.4f, %.4f, bound %.4f" % (few["predicted"], many["predicted"], few["bound"]),
              few["predicted"] > many["predicted"] and few["scheduled"] > many["scheduled"] and few["predicted"] - few["bound"] > 3 * error)
good &= check("without --fit no error is known", read["plain"]["predicted_error"] is None and read["plain"]["predicted"] > 0)
sys.exit(not good)
PYTHON
run "$ardm" eval run/model.ardm --data test.raw --shape 16x16x1 --items 0:4 --draws 1 --fit 96:104 $d
if grep -q "predicted .* ± .*loss curve of items 96:104" out; then echo "ok: the error is printed"; else echo "FAILED: no error is printed"; cat out; failed=1; fi
# The full order: what a schedule of one call a unit costs, near the bound, and of whole windows.
run "$ardm" eval run/model.ardm --data test.raw --shape 16x16x1 --items 0:8 --steps 256 --draws 256 --full-order --json $d
cp out full.json
run "$ardm" eval "$golden/bytes.ardm" --data prose.txt --full-order --draws 64 --json $d
cp out text.json
run "$ardm" eval "$golden/bytes.ardm" --data prose.txt --no-context --draws 1 --json $d
cp out whole.json
python3 - <<'PYTHON' || failed=1
import json, math, sys
def check(what, holds):
    print(("ok: " if holds else "FAILED: ") + what)
    return holds
full, text, whole = (json.load(open(n + ".json")) for n in ("full", "text", "whole"))
good = check("full order of %d calls" % full["full_order_calls"], full["full_order_calls"] == full["calls"] == 256)
good &= check("costs what a schedule of as many does: %.6f" % full["full_order"], abs(full["full_order"] - full["scheduled"]) < 1e-9)
for r in (full, text):
    error = math.hypot(r["full_order_error"], r["bound_error"])
    good &= check("and is the bound, %.4f, within %.4f" % (r["bound"], 3 * error), 0 < error < 0.1 * r["bound"] and abs(r["full_order"] - r["bound"]) < 3 * error)
good &= check("%d calls code a whole window, %d its second half" % (whole["calls"], text["calls"]),
              whole["calls"] == 2 * text["calls"] and whole["scheduled"] != text["scheduled"])
sys.exit(not good)
PYTHON
run "$ardm" eval run/model.ardm --data test.raw --shape 16x16x1 --items 0:2 --draws 1 --full-order $d
if grep -q "full order of *256 calls .* ± " out; then echo "ok: the full order is printed"; else echo "FAILED: no full order"; cat out; failed=1; fi
"$ardm" eval run/model.ardm --data test.raw --shape 16x16x1 --items 0:4 --fit 400:500 $d > out 2>&1 && { echo "FAILED: items that are not there"; failed=1; }
exit $failed
