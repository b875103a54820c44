#!/usr/bin/env bash
# Drawing as users meet it: temperatures, traces, confidence, and what is refused.
set -u
ardm=$1 golden=$(cd "$2" && pwd)
export PYTHONPATH=$(cd "$(dirname "$0")" && pwd) PYTHONDONTWRITEBYTECODE=1
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
    echo "FAILED: $*: does not say $says:"; cat err; failed=1
  fi
}
same() { if cmp "$2" "$3"; then echo "ok: $1"; else echo "FAILED: $1"; failed=1; fi; }
differ() { if cmp -s "$2" "$3"; then echo "FAILED: $1"; failed=1; else echo "ok: $1"; fi; }

# Temperature: 1 is no temperature; others are drawn, never coded.
for name in staged tiles bytes; do
  n=16; [ $name = bytes ] && n=24
  run "$ardm" sample "$golden/$name.ardm" $d -n 2 --steps $n -o $name.plain
  run "$ardm" sample "$golden/$name.ardm" $d -n 2 --steps $n --temperature 1 -o $name.one
  run "$ardm" sample "$golden/$name.ardm" $d -n 2 --steps $n -t 0.5 -o $name.cold
  same "$name: temperature 1 changes no bit" $name.plain $name.one
  differ "$name: temperature 0.5 draws something else" $name.plain $name.cold
done
refused "unknown option --temperature" "$ardm" compress "$golden/boat.ppm" -m "$golden/tiles.ardm" --temperature 0.5 $d -o no.ardz
refused "unknown option -t" "$ardm" decompress "$golden/tiles.ardz" -m "$golden/tiles.ardm" -t 2 $d -o no.ppm
refused "temperature" "$ardm" sample "$golden/tiles.ardm" $d --temperature 0 -o no.png

# Traces: the last picture of a folder is the sample, each one adds to the one before, and a sheet has the same frames of the first sample.
run "$ardm" sample "$golden/tiles.ardm" $d -n 3 --steps 12 -o tiles.png --trace steps
same "the last step is the sample" tiles.png steps/step-0012.png
run "$ardm" sample "$golden/tiles.ardm" $d -n 3 --steps 12 -o again.png --trace sheet.png
run "$ardm" sample "$golden/tiles.ardm" $d -n 3 --steps 12 -o plain.png
same "a trace changes no sample" tiles.png again.png
same "no trace, the same sample" tiles.png plain.png
run "$ardm" sample "$golden/tiles.ardm" $d -n 1 --steps 40 -o forty.png --trace forty-sheet.png
run "$ardm" sample "$golden/staged.ardm" $d -n 1 --steps 16 -o staged.png --trace stages
run "$ardm" sample "$golden/bytes.ardm" $d -n 2 --steps 24 -o words.txt --trace words.trace
python3 - <<'PYTHON' || failed=1
import os
from pixels import png
def cell(grid, k, across, size=16):
    y, x = k // across * (size + 1), k % across * (size + 1)
    return [v for row in grid[y:y + size] for pixel in row[x:x + size] for v in pixel]
steps = [png("steps/step-%04d.png" % (k + 1)) for k in range(12)]
assert sorted(os.listdir("steps")) == ["step-%04d.png" % (k + 1) for k in range(12)], os.listdir("steps")
for item in range(3):
    frames, known = [cell(step, item, 2) for step in steps], 0
    for a in frames:
        shown = [k for k in range(len(a)) if a[k] != 127]
        assert all(a[k] == frames[-1][k] for k in shown) and len(shown) > known, "a decided unit changes, or a step shows nothing new"
        known = len(shown)
    assert len([v for v in frames[0] if v == 127]) > 3 * 16 * 16 / 2, "the first step decides most units"
    if item == 0:
        sheet = png("sheet.png")
        assert [cell(sheet, k, 4) for k in range(12)] == frames, "sheet and folder differ"
sheet = png("forty-sheet.png")
assert (len(sheet), len(sheet[0])) == (4 * 17 - 1, 4 * 17 - 1) and cell(sheet, 15, 4) == cell(png("forty.png"), 0, 1), "sheet of 40 calls"
assert len({tuple(cell(sheet, k, 4)) for k in range(16)}) == 16
# Stages of base 4: each unit of a step is the middle of an interval around what it becomes, and intervals only shrink.
final, at = cell(png("staged.png"), 0, 1), [0] * 3 * 16 * 16
middles = [[(v // w * w + v // w * w + w - 1) // 2 for w in (256, 64, 16, 4, 1)] for v in range(256)]
for k in range(16):
    step = cell(png("stages/step-%04d.png" % (k + 1)), 0, 1)
    at = [next(i for i in range(a, 5) if middles[v][i] == s) for a, v, s in zip(at, final, step)] # StopIteration: not a middle
    assert all(i * 4 <= k + 4 for i in at), "a stage is shown too early"
assert step == final
lines = [line.rstrip("\n").split("\t", 1) for line in open("words.trace") if not line.startswith("#")]
text = open("words.txt", "rb").read()[:64]
shown = "".join(" " if c in b"\n\r\t" else chr(c) if 32 <= c < 127 else "." for c in text)
assert lines[-1][1] == shown, (lines[-1], shown)
assert [int(n) for n, _ in lines] == list(range(1, len(lines) + 1)) and len(lines) > 8
at = 0
for _, line in lines:
    known = [k for k in range(64) if line[k] != "_" or shown[k] == "_"]
    assert len(line) == 64 and all(line[k] == shown[k] for k in known) and len(known) > at, line
    at = len(known)
print("ok: traces")
PYTHON
refused "exists; -f overwrites it" "$ardm" sample "$golden/tiles.ardm" $d -n 1 --steps 12 -o new.png --trace sheet.png
refused "exists" "$ardm" sample "$golden/tiles.ardm" $d -n 1 --steps 12 -o new.png --trace steps
[ ! -e new.png ] || { echo "FAILED: refused, and yet written"; failed=1; }
refused "FILE.png or a folder" "$ardm" sample "$golden/tiles.ardm" $d -n 1 --steps 12 -o new.png --trace -

# Confidence: other samples, the same ones again, traced like any, and nothing that codes takes it.
run "$ardm" sample "$golden/tiles.ardm" $d -n 2 --steps 12 -o drawn-order.png
for by in probability margin entropy; do
  run "$ardm" sample "$golden/tiles.ardm" $d -n 2 --steps 12 --order-by $by -o $by.png --trace by-$by
  run "$ardm" sample "$golden/tiles.ardm" $d -n 2 --steps 12 --order-by $by -o $by-again.png
  same "$by: again" $by.png $by-again.png
  same "$by: the last step is the sample" $by.png by-$by/step-0012.png
  differ "$by draws something else" $by.png drawn-order.png
done
differ "probability and entropy differ" probability.png entropy.png
run "$ardm" infill "$golden/tiles.ardm" "$golden/boat.ppm" $d --grid 2 --steps 12 -o filled.png
run "$ardm" infill "$golden/tiles.ardm" "$golden/boat.ppm" $d --grid 2 --steps 12 --order-by entropy -o surest.png
differ "fillings by confidence" filled.png surest.png
refused "not one of probability, margin, entropy" "$ardm" sample "$golden/tiles.ardm" $d --order-by luck -o no.png
refused "unknown option --order-by" "$ardm" compress "$golden/boat.ppm" -m "$golden/tiles.ardm" --order-by margin $d -o no.ardz
exit $failed
