#!/usr/bin/env bash
# Orders that are not in the golden files, from training to files and back.
set -u
ardm=$1 dna=$2 other=$3
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
failed=0
device=$("$ardm" devices | sed -n 's/^\([0-9]*:[0-9]*\) .*/\1/p' | head -1)
d="--device ${device:-reference}"
run() { "$@" > out 2> err || { echo "FAILED: $*: exit $?"; cat out err; failed=1; }; }
check() { if [ "$2" = "$3" ]; then echo "ok: $1"; else echo "FAILED: $1: '$2', not '$3'"; failed=1; fi; }

# Pictures whose channels are alike, and one of several tiles, cut short at both edges.
python3 - <<'PYTHON'
import random
random.seed(11)
def item(h, w):
    a, b, c = random.uniform(60, 190), random.uniform(-5, 5), random.uniform(-5, 5)
    grey = lambda y, x: a + b * (y - h / 2) + c * (x - w / 2)
    return bytes(max(0, min(255, round(grey(y, x) + random.gauss(0, 6)))) for y in range(h) for x in range(w) for _ in range(3))
open("train.raw", "wb").write(b"".join(item(16, 16) for _ in range(128)))
open("odd.ppm", "wb").write(b"P6\n21 37\n255\n" + item(37, 21))
PYTHON
for family in channel-uniform channel-quincunx channel-raster; do
  cat > model.ini <<INI
[data]
path = train.raw
shape = 16x16x3
tile = 16
[modality]
id = image
[order]
family = $family
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
steps = 8
batch = 8
warmup = 2
checkpoint = 8
evaluate = 8
[eval]
items = 8
INI
  rm -rf run files.ardz back drawn
  run "$ardm" train model.ini --data . $d -o run
  check "$family is recorded" "$("$ardm" model show run/model.ardm | grep -c "$family")" 1
  [ $family = channel-raster ] && continue # 768 calls a tile
  run "$ardm" eval run/model.ardm --data train.raw --shape 16x16x3 --items 0:4 --draws 2 $d
  run "$ardm" sample run/model.ardm -n 2 --steps 12 --seed 3 $d -f -o drawn
  run "$ardm" compress odd.ppm -m run/model.ardm --steps 12 $d -o files.ardz
  run "$ardm" decompress files.ardz -m run/model.ardm $d -o back
  check "$family: a picture comes back" "$(cmp odd.ppm back && echo same)" same
done

# Levels of a plugin: recorded with the model, and refused where the plugin has changed its mind.
mkdir now later
cp "$dna" now && cp "$other" later && chmod 755 now later
python3 - <<'PYTHON'
import random
random.seed(5)
bases = "".join(random.choices("ACGT", [90, 4, 3, 3], k=4000)) # a model beats the stored form, which a plugin would not matter to
open("genes.txt", "w").write(bases)
open("short.txt", "w").write(bases[:1501] + "\n")
PYTHON
cat > model.ini <<INI
[data]
path = genes.txt
window = 64
[modality]
id = org.example.dna
[order]
family = plugin:codons
[network]
kind = transformer
width = 16
layers = 1
heads = 1
[train]
steps = 8
batch = 8
warmup = 2
checkpoint = 8
evaluate = 8
[eval]
items = 8
INI
rm -rf run files.ardz back
export ARDM_PLUGIN_PATH=$PWD/now
run "$ardm" train model.ini --data . $d -o run
check "plugin:codons is recorded" "$("$ardm" model show run/model.ardm | grep -c "plugin:codons")" 1
check "the plugin's order is listed" "$("$ardm" plugin list | grep -c "orders codons")" 1
run "$ardm" sample run/model.ardm -n 1 --steps 5 --seed 3 $d -f -o drawn
run "$ardm" compress short.txt -m run/model.ardm --steps 5 $d -o files.ardz
run "$ardm" decompress files.ardz -m run/model.ardm $d -o back
check "a strand comes back" "$(cmp short.txt back && echo same)" same
export ARDM_PLUGIN_PATH=$PWD/later
"$ardm" decompress files.ardz -m run/model.ardm $d -o wrong > out 2> err
check "another plugin's levels: exit" $? 3
check "another plugin's levels: why" "$(grep -c "plugin:codons of modality org.example.dna gives other levels for an item of 32 than" err)" 1
check "nothing is written" "$(ls wrong 2> /dev/null)" ""
sed -i 's/codons/helix/' model.ini
"$ardm" train model.ini --data . $d -o unknown > out 2> err
check "an order that the plugin lacks: exit" $? 1
check "an order that the plugin lacks: why" "$(grep -c 'has no order "helix"; there are: codons' err)" 1
exit $failed
