#!/usr/bin/env bash
# A model whose unit is a pixel, from end to end: trained on pictures whose channels follow one another, it codes one that it has not seen to the same
# archive on every device, samples, fills in, and reports; a mask for one channel's sake is not there to be given, so pixels are.
set -u
ardm=$1 here=$(cd "$(dirname "$0")" && pwd)
export LSAN_OPTIONS=suppressions=$here/lsan.txt:print_suppressions=0 # where the program is built with sanitizers
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
failed=0
device=$("$ardm" devices | sed -n 's/^\([0-9]*:[0-9]*\) .*/\1/p' | head -1)
device=${device:-reference}
good() { # what, command …
  local what=$1
  shift
  if "$@" > out 2> err; then echo "ok: $what"; else echo "FAILED: $what"; cat out err; failed=1; fi
}
says() { if grep -qE -- "$2" "$1"; then echo "ok: says $2"; else echo "FAILED: does not say $2:"; cat "$1"; failed=1; fi; }
same() { if cmp "$2" "$3"; then echo "ok: $1"; else echo "FAILED: $1"; failed=1; fi; }

python3 - <<'PYTHON'
import random
random.seed(4)
def picture(name, w, h, form=b"P6"):
    out = bytearray()
    for y in range(h):
        for x in range(w):
            r = 8 * x + 4 * y + random.randrange(12)
            g = r + random.randrange(3)
            b = 2 * g - r + random.randrange(2)
            out += bytes(v % 192 for v in ((r, g, b) if form == b"P6" else (r,)))
    open(name, "wb").write(form + b"\n%d %d\n255\n" % (w, h) + out)
for k in range(6): picture("seen%d.ppm" % k, 32, 32)
picture("new.ppm", 21, 19)  # cut short at both edges, and neither even
picture("grey.pgm", 32, 32, b"P5")
PYTHON
cat > pixel.ini <<'INI'
[data]
path = seen*.ppm
tile = 16
[modality]
id = image
variant = rgb
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
kind = pixel
mixtures = 2
[train]
steps = 120
batch = 8
lr = 0.005
warmup = 10
given = 0.2
checkpoint = 120
evaluate = 60
[eval]
items = 4
INI
good "plan" "$ardm" plan pixel.ini --device reference
good "training" "$ardm" train pixel.ini --data . --device "$device" -o run
"$ardm" model show run/model.ardm > shown
says shown '^layout .* head pixel '
says shown '^ops .* pixel_logits@1'
good "compress" "$ardm" compress new.ppm -m run/model.ardm --device "$device" --steps 20 -o new.ardz
says out '; 0 chunks stored without the model; verified by decoding'
good "decompress elsewhere" "$ardm" decompress new.ardz -m run/model.ardm --device reference -o back.ppm
same "the same picture" new.ppm back.ppm
good "compress by the reference" "$ardm" compress new.ppm -m run/model.ardm --device reference --steps 20 -o other.ardz --no-verify
same "the same archive" new.ardz other.ardz
# What green and blue add to red is log2 3 and 1 bit, so a third of a pixel is what channels apart cannot pass.
(($(stat -c %s new.ardz) < 19 * 21 * 12 / 8 + 200)) && echo "ok: $(stat -c %s new.ardz) bytes" || { echo "FAILED: $(stat -c %s new.ardz) bytes"; failed=1; }
good "samples" "$ardm" sample run/model.ardm -n 4 --steps 20 --device "$device" -o drawn.png --trace calls.png
good "samples by the reference" "$ardm" sample run/model.ardm -n 4 --steps 20 --device reference -o again.png
same "the same samples" drawn.png again.png
good "samples by confidence" "$ardm" sample run/model.ardm -n 2 --steps 20 --device reference --order-by entropy -o surest.png
good "filling in" "$ardm" infill run/model.ardm new.ppm --grid 2 --steps 20 --device "$device" -o filled.png
PYTHONPATH=$here python3 - <<'PYTHON' || failed=1
from pixels import png, ppm
a, b = ppm("new.ppm"), png("filled.png")
kept = all(a[y][x] == b[y][x] for y in range(0, 19, 2) for x in range(0, 21, 2))
print("ok: given pixels stay" if kept and a != b else "FAILED: given pixels are changed, or nothing is filled in")
raise SystemExit(not (kept and a != b))
PYTHON
good "evaluation" "$ardm" eval run/model.ardm --data new.ppm --steps 20 --device "$device"
says out 'bound'
good "calibration" "$ardm" eval run/model.ardm --data new.ppm --calibration --device "$device"
good "a map of bits" "$ardm" eval run/model.ardm --data new.ppm --map map.png --steps 20 --device "$device"
if "$ardm" compress grey.pgm -m run/model.ardm --device reference -o grey.ardz > out 2> err; then echo "ok: grey pictures go another way"; else says err 'channel|model'; fi
# Two heads: the last level has its own. The list is of 4 cells, no other number will do.
sed 's/^kind = unet/kind = unet\nexpert_of_cell = 0 0 0 1/' pixel.ini > experts.ini
good "training of experts" "$ardm" train experts.ini --data . --device "$device" -o experts
"$ardm" model show experts/model.ardm > shown
says shown ' experts 0,0,0,1$'
good "compress by experts" "$ardm" compress new.ppm -m experts/model.ardm --device "$device" --steps 20 -o experts.ardz
good "decompress by experts elsewhere" "$ardm" decompress experts.ardz -m experts/model.ardm --device reference -o experts.ppm
same "the same picture" new.ppm experts.ppm
sed -i 's/^expert_of_cell = .*/expert_of_cell = 0 0 1/' experts.ini
if "$ardm" train experts.ini --data . --device reference -o three > out 2> err; then echo "FAILED: three experts for four cells"; failed=1; fi
says err 'give 4 numbers'
sed 's/^variant = rgb/variant = grey/; s/seen\*.ppm/grey.pgm/' pixel.ini > grey.ini
if "$ardm" train grey.ini --data . --device reference -o grey > out 2> err; then echo "FAILED: pixels of one channel are taken"; failed=1; fi
says err 'say mixture'
exit $failed
