#!/usr/bin/env bash
# Makes the golden models and archives anew, for a new numerics version: make.sh ARDM. Never run to make a failing test pass.
set -eu
cd "$(dirname "$0")/../.."
ardm=$1
work=$(mktemp -d)
for name in tiles staged bytes; do
  "$ardm" train "tests/golden/$name.ini" --data . --device reference -o "$work/$name"
  "$ardm" model export "$work/$name/model.ardm" -o "tests/golden/$name.ardm" -f
done
head -c 1000 samples/data/lighthouse.txt > tests/golden/prose.txt
python3 - <<'PYTHON'
pixels = open("samples/data/harbour.ppm", "rb").read()[-256 * 256 * 3:]
rows = [pixels[(y * 256 + 40) * 3:(y * 256 + 40 + 23) * 3] for y in range(150, 171)]
open("tests/golden/boat.ppm", "wb").write(b"P6\n23 21\n255\n" + b"".join(rows))
PYTHON
"$ardm" compress tests/golden/boat.ppm -m tests/golden/tiles.ardm --device reference -o tests/golden/tiles.ardz -f
"$ardm" sample tests/golden/staged.ardm --device reference -n 1 --steps 16 -o tests/golden/drawn.png -f # what a weak model codes best
"$ardm" compress tests/golden/drawn.png -m tests/golden/staged.ardm --device reference -o tests/golden/staged.ardz -f
"$ardm" compress tests/golden/prose.txt -m tests/golden/bytes.ardm --device reference --steps 16 -o tests/golden/bytes.ardz -f
rm -rf "$work"
