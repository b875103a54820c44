#!/usr/bin/env bash
# Filling in and refining as users meet them: every way to say what is given, what stays, what it costs, and what is refused.
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
equal() { if [ "$2" = "$3" ]; then echo "ok: $1: $2"; else echo "FAILED: $1: $2, not $3"; failed=1; fi; }
cost() { sed -n 's/.*costs \([0-9.]*\) bits a filled unit.*/\1/p' "$1"; }
bytes="$golden/bytes.ardm" tiles="$golden/tiles.ardm"
cp "$golden/boat.ppm" "$golden/prose.txt" .
head -c 150 prose.txt > short.txt

# Text: ranges that are missing, ranges that are given, and a file of digits say the same.
run "$ardm" infill "$bytes" short.txt --mask 40-59,100-149 --steps 24 -o a.txt $d
cp out a.out
run "$ardm" infill "$bytes" short.txt --given :40,60:100 --steps 24 -o b.txt $d
python3 -c 'print("0" * 40 + "1" * 20 + "\n" + "0" * 40 + " " + "1" * 50)' > digits
run "$ardm" infill "$bytes" short.txt --mask digits --steps 24 -o c.txt $d
same "missing and given ranges" a.txt b.txt
same "missing ranges and a file" a.txt c.txt
python3 - <<'PYTHON' || failed=1
a, b = open("short.txt", "rb").read(), open("a.txt", "rb").read()
changed = [k for k in range(len(a)) if a[k] != b[k]]
assert len(a) == len(b) and all(40 <= k < 60 or k >= 100 for k in changed) and len(changed) > 35, changed
PYTHON
grep -q "70 units; what was there costs .*by the counts of the known ones" a.out || { echo "FAILED: $(cat a.out)"; failed=1; }
# A prefix, several times, to standard output: each keeps it, and they differ.
run "$ardm" infill "$bytes" short.txt --given :100 --steps 24 -n 3 $d
python3 - <<'PYTHON' || failed=1
parts, prefix = open("out", "rb").read().split(b"\n--------\n"), open("short.txt", "rb").read(100)
assert len(parts) == 3 and len({p[:150] for p in parts}) == 3, len(parts)
assert all(p.startswith(prefix) for p in parts) and len(parts[0]) == 150
PYTHON
# With nothing given it is the scheduled cost that the map of eval shows, where both look at one window.
head -c 30 prose.txt > window.txt
run "$ardm" infill "$bytes" window.txt --mask 0-29 --steps 24 -o window.filled $d
ours=$(cost out)
run "$ardm" eval "$bytes" --data window.txt --map - --steps 24 $d
equal "the cost of everything" "$ours" "$(awk '!/^#/ { sum += $NF; n++ } END { printf "%.4f", sum / n }' out)"
# A window knows the end of the one before: here 64 bytes, the last 32 of them shown again.
before=$(run "$ardm" infill "$bytes" short.txt --mask 66-69 --steps 24 -o d.txt $d; cost out)
python3 -c 'd = bytearray(open("short.txt", "rb").read()); d[60:64] = b"QQQQ"; open("other.txt", "wb").write(d)'
after=$(run "$ardm" infill "$bytes" other.txt --mask 66-69 --steps 24 -o e.txt $d; cost out)
if [ -n "$after" ] && [ "$before" != "$after" ]; then echo "ok: windows have context: $before, $after"; else echo "FAILED: no context: $before, $after"; failed=1; fi
# What is drawn in one window is what the next one begins with: as if it had been written there.
run "$ardm" infill "$bytes" short.txt --mask 40-75 --steps 24 -o f.txt $d
cp f.txt h.txt
run "$ardm" infill "$bytes" h.txt --mask 64-75 --steps 24 -o i.txt $d
same "a gap over two windows is the second gap after the first" f.txt i.txt

# Pictures: a grid keeps every second pixel of both extents; enlarging puts the picture there.
run "$ardm" infill "$tiles" boat.ppm --grid 2 --steps 12 -o grid.png $d
cp out grid.out
run "$ardm" infill "$tiles" boat.ppm --enlarge 2 --steps 12 -o large.png $d
grep -q "costs" out && { echo "FAILED: what nobody knows has a cost"; failed=1; }
run "$ardm" infill "$tiles" boat.ppm --grid 3 --steps 12 -n 2 -o three.png $d
python3 - <<'PYTHON' || failed=1
from pixels import png, ppm
boat, grid, large = ppm("boat.ppm"), png("grid.png"), png("large.png")
h, w = len(boat), len(boat[0])
def kept(filled, n):
    assert (len(filled), len(filled[0])) == (h, w)
    other = sum(boat[y][x] != filled[y][x] for y in range(h) for x in range(w) if y % n or x % n)
    assert all(boat[y][x] == filled[y][x] for y in range(0, h, n) for x in range(0, w, n)) and other > h * w / 2, other
kept(grid, 2), kept(png("three-0.png"), 3), kept(png("three-1.png"), 3)
assert (len(large), len(large[0])) == (2 * h, 2 * w)
assert all(boat[y][x] == large[2 * y][2 * x] for y in range(h) for x in range(w))
missing = 3 * (h * w - ((h + 1) // 2) * ((w + 1) // 2))
assert "of %d units" % missing in open("grid.out").read(), open("grid.out").read()
PYTHON
[ "$failed" = 0 ] && echo "ok: grids"
grep -q "around the mean of the known ones" grid.out || { echo "FAILED: $(cat grid.out)"; failed=1; }
same "temperature 1 fills the same" grid.png <(run "$ardm" infill "$tiles" boat.ppm --grid 2 --steps 12 -t 1 -o one.png $d; cat one.png)

# Refining: the high digits of a picture stay, the low ones are drawn; base 4, so stage 2 knows four bits.
staged="$golden/staged.ardm"
for s in 1 2 3; do run "$ardm" refine "$staged" boat.ppm --from-stage $s --steps 16 -o stage-$s.png $d; cp out stage-$s.out; done
run "$ardm" refine "$staged" boat.ppm --steps 16 -o last.png $d
same "the last stage is the default" last.png stage-3.png
run "$ardm" refine "$staged" boat.ppm --from-stage 2 --steps 16 -n 2 -o two.png $d
run "$ardm" refine "$staged" boat.ppm --from-stage 2 --steps 16 -t 0.1 -o cold.png $d
python3 - <<'PYTHON' || failed=1
import re
from pixels import png, ppm
flat = lambda rows: [v for row in rows for pixel in row for v in pixel]
boat = flat(ppm("boat.ppm"))
# The golden model's schedule of 16 calls has 6, 6, 3 and 1.
for stage, width, calls in (1, 64, 10), (2, 16, 4), (3, 4, 1):
    now, said = flat(png("stage-%d.png" % stage)), open("stage-%d.out" % stage).read()
    assert [v // width for v in now] == [v // width for v in boat], "stage %d changes what it should keep" % stage
    changed = sum(a != b for a, b in zip(now, boat))
    assert changed > len(boat) / 2, changed
    drawn, cost = map(float, re.search(r"%d of 256 values .*: ([\d.]+) bits a unit drawn in %d calls; what was there costs ([\d.]+)$" % (
        256 // width, calls), said).groups())
    assert 0 < drawn < 8 - 2 * stage + 0.1 and 0 < cost < 2 * (8 - 2 * stage), said
a, b = flat(png("two-0.png")), flat(png("two-1.png"))
assert a != b and [v // 16 for v in a] == [v // 16 for v in b] and a == flat(png("stage-2.png"))
assert flat(png("cold.png")) != a
print("ok: refinements")
PYTHON
refused "has one stage" "$ardm" refine "$tiles" boat.ppm $d
refused "from-stage" "$ardm" refine "$staged" boat.ppm --from-stage 4 $d
refused "from-stage" "$ardm" refine "$staged" boat.ppm --from-stage 0 $d
refused "the model fills image rgb" "$ardm" refine "$staged" <(printf 'P5\n2 2\n255\nabcd') $d

refused "say once what is missing or given" "$ardm" infill "$tiles" boat.ppm $d
refused "say once what is missing or given" "$ardm" infill "$tiles" boat.ppm --grid 2 --mask boat.ppm $d
refused "enlarge says what is given" "$ardm" infill "$tiles" boat.ppm --enlarge 2 --grid 2 $d
refused "ranges of text and sound" "$ardm" infill "$tiles" boat.ppm --given 0:5 $d
refused "positions 0:150" "$ardm" infill "$bytes" short.txt --given 0:151 $d
refused "nothing is to be filled" "$ardm" infill "$bytes" short.txt --given 0:150 $d
refused "no 0 (given) or 1 (fill)" "$ardm" infill "$bytes" short.txt --mask prose.txt $d
refused "has 10 digits" "$ardm" infill "$bytes" short.txt --mask <(echo 0101010101) $d
refused "enlarge is of pictures" "$ardm" infill "$bytes" short.txt --enlarge 2 $d
exit $failed
