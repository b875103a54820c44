#!/usr/bin/env bash
# What ardm does, shown on this machine: compress, restore elsewhere, sample, fill in. Everything printed was just computed.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
ardm=$1
out=${2:-$here/../build/demo}
rm -rf "$out"
mkdir -p "$out/in" "$out/back" "$out/cold"
cp "$here/data/harbour.ppm" "$here/data/lighthouse.txt" "$out/in/"
export ARDM_MODEL_PATH="$here/models"
cd "$out"

echo "== Devices"
"$ardm" devices | head -4
echo
echo "== Compress: the picture is decoded again before it is written; the text, a call a byte, only once, below"
for options in "harbour.ppm" "lighthouse.txt --steps 256 --no-verify"; do
  # shellcheck disable=SC2086
  set -- $options
  file=$1
  shift
  echo "$file"
  "$ardm" compress "in/$file" -o "$file.ardz" -v "$@"
done
python3 "$here/png.py" in/harbour.ppm harbour-peer.png
xz -9e -k -c in/harbour.ppm > harbour-peer.xz
xz -9e -k -c in/lighthouse.txt > lighthouse-peer.xz
size() { stat -c %s "$1"; }
printf '\n%-16s %9s %9s %9s %9s\n' bytes source ardm PNG "xz -9e"
printf '%-16s %9d %9d %9d %9d\n' harbour.ppm "$(size in/harbour.ppm)" "$(size harbour.ppm.ardz)" "$(size harbour-peer.png)" "$(size harbour-peer.xz)"
printf '%-16s %9d %9d %9s %9d\n' lighthouse.txt "$(size in/lighthouse.txt)" "$(size lighthouse.txt.ardz)" - "$(size lighthouse-peer.xz)"

echo
echo "== Restore in a new process, with empty kernel caches and the sources moved away"
(cd in && sha256sum harbour.ppm lighthouse.txt) > before.sha256
mv in moved
env ARDM_CACHE="$out/cold/ardm" POCL_CACHE_DIR="$out/cold/pocl" "$ardm" decompress harbour.ppm.ardz lighthouse.txt.ardz -o back
(cd back && sha256sum harbour.ppm lighthouse.txt) > after.sha256
echo "before:"; cat before.sha256
echo "after:"; cat after.sha256
cmp before.sha256 after.sha256

echo
echo "== Sample and fill in"
"$ardm" sample tiles -n 16 --steps 24 -o samples.png
python3 "$here/mask.py" 256 256 mask.pgm
"$ardm" infill tiles moved/harbour.ppm --mask mask.pgm --steps 24 -o filled.png
echo
echo "Pictures: $out/samples.png $out/filled.png (missing: $out/mask.pgm)"
