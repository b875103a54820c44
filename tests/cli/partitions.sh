#!/usr/bin/env bash
# A process of the user's own: vowels and consonants first, then which. Trained, sampled, coded on one device and decoded on another;
# partitions that are no chain are refused with the reason.
set -eu
ardm=$1 golden=$2
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
device=$("$ardm" devices | sed -n 's/^\([0-9]*:[0-9]*\) .*/\1/p' | head -1) # named, so that a machine without any gives no warning
device=${device:-reference}
tr 'A-Z' 'a-z' < "$golden/prose.txt" | tr -cs 'a-z' ' ' > letters.txt
for head in direct data; do
  cat > $head.ini <<INI
[data]
path = letters.txt
window = 256
[modality]
id = text
variant = letters
[process]
family = table
partitions = 0 | 1 5 9 15 21 | 2-4 6-8 10-14 16-20 22-26
[network]
kind = transformer
width = 16
layers = 1
heads = 1
[head]
kind = $head
[train]
steps = 60
warmup = 5
batch = 8
evaluate = 60
[eval]
items = 4
INI
  "$ardm" train $head.ini --data . --device "$device" -o $head > /dev/null
  "$ardm" graph $head/model.ardm | grep -q "family=table, classes=27, base=21"
  # what a weak model codes best is what it drew itself
  "$ardm" sample $head/model.ardm -n 1 --steps 64 --device reference -o drawn.txt -f > /dev/null
  tr -d '\n' < drawn.txt > $head.txt
  "$ardm" compress $head.txt -m $head/model.ardm --steps 64 --device "$device" -o $head.ardz > report
  grep -q "; 0 chunks stored without the model; verified by decoding" report || { cat report; echo "FAILED: $head: a chunk was stored"; exit 1; }
  "$ardm" decompress $head.ardz -m $head/model.ardm --device reference -o back.txt -f > /dev/null
  cmp $head.txt back.txt
  "$ardm" infill $head/model.ardm $head.txt --given 0:128 --steps 32 --device reference -o filled.txt -f > /dev/null # letters, not bytes
  [ "$(wc -c < filled.txt)" -ge 256 ] && [ "$(head -c 128 filled.txt)" = "$(head -c 128 $head.txt)" ] || { echo "FAILED: $head: not filled in"; exit 1; }
  echo "ok: $head, $(wc -c < $head.txt) letters in $(wc -c < $head.ardz) bytes"
done
refused() { # REASON PARTITIONS
  sed "s|^partitions = .*|partitions = ${2//|/\\|}|" direct.ini > bad.ini
  if "$ardm" train bad.ini --data . --device reference -o bad > /dev/null 2> why; then echo "FAILED: '$2' was taken"; exit 1; fi
  grep -q "$1" why || { cat why; echo "FAILED: '$2' gave another reason than '$1'"; exit 1; }
}
refused "symbol 26 is in no class" "0-25"
refused "symbol 3 is in two classes" "0-26 | 3"
refused "share a class" "0 1-26 / 0 1 | 2-26 / 0 2 | 1 3-26"
refused "partitions and family = table go together" ""
echo "ok: four refusals"
