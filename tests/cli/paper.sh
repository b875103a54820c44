#!/usr/bin/env bash
# Networks of the paper's form at toy sizes: they learn, and what they code comes back.
set -u
ardm=$1 root=$(cd "$2/../.." && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
failed=0
d="--device reference"
head -c 300 "$root/samples/data/lighthouse.txt" > prose.txt
cp "$root/tests/golden/boat.ppm" .
python3 - <<'PYTHON'
import math, struct
tone = b"".join(struct.pack("<h", int(9000 * math.sin(t / 7) + 3000 * math.sin(t / 3))) for t in range(6000))
open("tone.raw", "wb").write(tone)
open("tone.wav", "wb").write(b"RIFF" + struct.pack("<I4s4sIHHIIHH4sI", 36 + 800, b"WAVE", b"fmt ", 16, 1, 1, 8000, 16000, 2, 16, b"data", 800) + tone[:800])
PYTHON
toy() { # name, path, what of [data], modality, variant, [process], [network], head, file; order that such a toy learns, else uniform
  cat > "$1.ini" <<INI
[data]
path = $2
$3
[modality]
id = $4
variant = $5
[process]
$6
[order]
family = ${10:-uniform}
[network]
form = paper
layers = 2
$7
[head]
kind = $8
mixtures = 3
[train]
steps = 120
batch = 8
lr = 0.003
warmup = 10
given = 0.1
checkpoint = 40
evaluate = 40
[eval]
items = 8
INI
  "$ardm" train "$1.ini" --data "$work" $d -o "$1" > out 2> err || { echo "FAILED: $1 does not train"; cat err; failed=1; return; }
  if awk -F, 'NR > 1 && $5 != "" { if (!n++) first = $5; last = $5 } END { exit !(n > 1 && last < first) }' "$1/log.csv"; then echo "ok: $1 learns"; else
    echo "FAILED: $1 does not learn"; cat "$1/log.csv"; failed=1; fi
  "$ardm" compress "$9" -m "$1/model.ardm" --steps 32 $d -o "$1.ardz" > out 2> err && "$ardm" decompress "$1.ardz" -m "$1/model.ardm" $d -o "$1.back" > out 2> err
  if cmp "$9" "$1.back"; then echo "ok: $1 codes"; else echo "FAILED: $1 does not code"; cat err; failed=1; fi
}
pictures="kind = unet
width = 16
stem = 8
embedding = 4
groups = 4
heads = 1"
cp "$root/samples/data/harbour.ppm" .
cp "$root/samples/data/lighthouse.txt" .
tr -cd 'a-z ' < lighthouse.txt | head -c 6000 > letters.txt
head -c 300 letters.txt > few.txt
toy picture harbour.ppm "tile = 8" image rgb "family = absorbing" "$pictures
down = 1" softmax boat.ppm
toy staged harbour.ppm "tile = 8" image rgb "family = zero-least-significant
base = 16" "$pictures
down = 2
every = 1" direct boat.ppm
toy text lighthouse.txt "window = 32" text bytes "family = absorbing" "kind = transformer
width = 24
heads = 2" softmax prose.txt blocks:1
toy timed letters.txt "window = 32" text bytes "family = absorbing" "kind = transformer
time = yes
conv = 3
width = 24
heads = 2" softmax few.txt raster
toy sound tone.raw "shape = 6000
window = 64" audio pcm16 "family = zero-least-significant
base = 256" "kind = diffwave
width = 16
stem = 8
embedding = 4
cycle = 2" mixture tone.wav
exit $failed
