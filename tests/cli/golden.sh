#!/usr/bin/env bash
# Golden archives decode to their sources, and sources encode to the golden archives, byte for byte, on every device.
# A difference here means that files of users would no longer decode: never mend it by making new golden files.
set -eu
ardm=$1 golden=$(cd "$2" && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
failed=0
devices="reference $("$ardm" devices | sed -n 's/^\([0-9]*:[0-9]*\) .*/\1/p')"
check() { # what, got, wanted
  if cmp "$2" "$3"; then echo "ok: $1"; else echo "FAILED: $1"; failed=1; fi
}
for device in $devices; do
  for pair in tiles:boat.ppm:0 staged:drawn.png:0 bytes:prose.txt:16; do
    IFS=: read -r name source steps <<< "$pair"
    budget=""
    [ "$steps" = 0 ] || budget="--steps $steps"
    "$ardm" list "$golden/$name.ardz" | grep -q '(0 stored)' || { echo "FAILED: $name.ardz has a stored chunk"; failed=1; }
    "$ardm" compress "$golden/$source" -m "$golden/$name.ardm" --device "$device" $budget -o "$work/$name.ardz" -f -q
    check "$name encodes on $device" "$work/$name.ardz" "$golden/$name.ardz"
    "$ardm" decompress "$golden/$name.ardz" -m "$golden/$name.ardm" --device "$device" -o "$work/$source" -f -q
    check "$name decodes on $device" "$work/$source" "$golden/$source"
  done
  "$ardm" sample "$golden/staged.ardm" --device "$device" -n 1 --steps 16 -o "$work/sample.png" -f > /dev/null
  check "a sample on $device" "$work/sample.png" "$golden/drawn.png"
done
exit $failed
