#!/usr/bin/env bash
# The archive commands as users meet them: exit codes, refusals, pipes, fallbacks.
set -u
ardm=$1 golden=$(cd "$2" && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
failed=0
expect() { # wanted exit code, what, command …
  local wanted=$1 what=$2 got
  shift 2
  "$@" > out 2> err
  got=$?
  if [ $got = "$wanted" ]; then echo "ok: $what"; else echo "FAILED: $what: exit $got, not $wanted"; cat out err; failed=1; fi
}
says() { if grep -q -- "$2" "$1"; then echo "ok: says $2"; else echo "FAILED: does not say $2:"; cat "$1"; failed=1; fi; }

d="--device reference"
cp "$golden/boat.ppm" "$golden/prose.txt" .
expect 0 "compress" "$ardm" compress boat.ppm -m "$golden/tiles.ardm" $d
expect 1 "no overwriting without -f" "$ardm" compress boat.ppm -m "$golden/tiles.ardm" $d
expect 0 "overwriting with -f" "$ardm" compress boat.ppm -m "$golden/tiles.ardm" $d -f
expect 0 "test" "$ardm" test boat.ppm.ardz -m "$golden/tiles.ardm" $d
expect 0 "list" "$ardm" list boat.ppm.ardz
size=$(stat -c %s boat.ppm.ardz)
head -c $((size - 1)) boat.ppm.ardz > short.ardz
expect 1 "a truncated archive" "$ardm" test short.ardz -m "$golden/tiles.ardm" $d
python3 - <<'PYTHON'
data = bytearray(open("boat.ppm.ardz", "rb").read())
data[len(data) // 2] ^= 4
open("hurt.ardz", "wb").write(data)
PYTHON
expect 1 "a flipped bit" "$ardm" test hurt.ardz -m "$golden/tiles.ardm" $d
# One weight moved by one unit in the last place is another model.
python3 - "$golden/tiles.ardm" <<'PYTHON'
import json, struct, sys
data = bytearray(open(sys.argv[1], "rb").read())
size = struct.unpack("<Q", data[:8])[0]
head = json.loads(data[8:8 + size])
at = 8 + size + head["stem.kernel"]["data_offsets"][0]
data[at] ^= 1
open("other.ardm", "wb").write(data)
PYTHON
expect 3 "another model is refused" "$ardm" test boat.ppm.ardz -m other.ardm $d
says err "$("$ardm" model show "$golden/tiles.ardm" | sed -n 's/^identity *\(................\).*/\1/p')"
says err "$("$ardm" model show other.ardm | sed -n 's/^identity *\(................\).*/\1/p')"
expect 3 "a missing model" env ARDM_MODEL_PATH="$work/none" "$ardm" test boat.ppm.ardz $d
expect 0 "found by identity" env ARDM_MODEL_PATH="$golden" "$ardm" test boat.ppm.ardz $d
cat prose.txt | "$ardm" compress - -m "$golden/bytes.ardm" $d > piped.ardz 2> err
"$ardm" decompress piped.ardz -m "$golden/bytes.ardm" $d -o - > back.txt 2>> err
if cmp back.txt prose.txt; then echo "ok: pipes"; else echo "FAILED: pipes"; cat err; failed=1; fi
# The hash of a PNG covers its extents too: the same stored symbols under swapped ones are another picture.
python3 - "$golden/../../samples/png.py" <<'PYTHON'
import random, subprocess, sys
random.seed(5)
open("tall.ppm", "wb").write(b"P6\n8 12\n255\n" + bytes(random.randrange(256) for _ in range(8 * 12 * 3)))
subprocess.run([sys.executable, sys.argv[1], "tall.ppm", "tall.png"], check=True)
PYTHON
expect 0 "a picture that is stored" "$ardm" compress tall.png -m "$golden/staged.ardm" $d -o tall.ardz
"$ardm" list tall.ardz | grep -q '(1 stored)' || { echo "FAILED: the picture is not stored"; failed=1; }
python3 - <<'PYTHON'
data = open("tall.ardz", "rb").read()
assert data.count(b"\x0c\x08\x03") == 1
open("wide.ardz", "wb").write(data.replace(b"\x0c\x08\x03", b"\x08\x0c\x03"))
PYTHON
expect 1 "swapped extents" "$ardm" decompress wide.ardz -m "$golden/staged.ardm" $d -o wide.png
[ ! -e wide.png ] || { echo "FAILED: swapped extents gave a picture"; failed=1; }
# What no model helps is stored, and never grows by more than the header.
head -c 5000 /dev/urandom > noise.bin
expect 0 "noise" "$ardm" compress noise.bin $d
[ "$(stat -c %s noise.bin.ardz)" -le 5120 ] && echo "ok: noise does not grow" || { echo "FAILED: noise grew to $(stat -c %s noise.bin.ardz)"; failed=1; }
expect 0 "noise restored" "$ardm" decompress noise.bin.ardz -o noise.back $d
cmp noise.bin noise.back || { echo "FAILED: noise differs"; failed=1; }
: > empty
expect 0 "an empty file" "$ardm" compress empty $d
expect 0 "an empty file restored" "$ardm" decompress empty.ardz -o empty.back $d
cmp empty empty.back || { echo "FAILED: an empty file differs"; failed=1; }
expect 0 "several files, one archive" "$ardm" compress boat.ppm prose.txt empty -m "$golden/tiles.ardm" -o all.ardz $d --no-verify
expect 1 "unknown option" "$ardm" compress boat.ppm --stpes 4
says err "did you mean --steps"
expect 1 "unknown command" "$ardm" comprss boat.ppm
says err "did you mean compress"
expect 1 "too small a budget" "$ardm" compress boat.ppm -m "$golden/tiles.ardm" --steps 1 $d -f
says err "each needs one"
expect 1 "a directory" "$ardm" compress "$work" $d
expect 1 "a file that is not there" "$ardm" compress nowhere.png $d
exit $failed
