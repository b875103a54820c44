#!/usr/bin/env bash
# Blocks of a random order: one call trains and prices all terms of an item's order, and a decoder that makes them one after another finds the same
# numbers, whatever is given. Both forms of the network.
set -u
ardm=$1 golden=$2
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
tr 'A-Z' 'a-z' < "$golden/prose.txt" | tr -cs 'a-z' ' ' > letters.txt
config() { # file, order, form
  cat > "$1" <<INI
[data]
path = letters.txt
window = 64
[modality]
id = text
variant = letters
[order]
family = $2
[network]
kind = transformer
form = $3
width = 16
layers = 2
heads = 2
[head]
kind = softmax
[train]
steps = 80
batch = 8
lr = 0.005
warmup = 5
given = 0.3
checkpoint = 80
evaluate = 40
[eval]
items = 4
INI
}
for run in "permuted:1 small" "permuted:1-16 small" "permuted:4 paper"; do
  set -- $run
  name=${run//[: ]/-}
  config "$name.ini" "$1" "$2"
  good "$run: training" "$ardm" train "$name.ini" --data . --device "$device" -o "$name"
  "$ardm" model show "$name/model.ardm" > shown
  says shown "order +$1$"
  "$ardm" sample "$name/model.ardm" -n 1 --device reference -o drawn.txt -f > /dev/null
  tr -d '\n' < drawn.txt | head -c 55 > drawn
  good "$run: compress" "$ardm" compress drawn -m "$name/model.ardm" --steps 32 --device "$device" -o "$name.ardz"
  says out '; 0 chunks stored without the model; verified by decoding'
  good "$run: decompress elsewhere" "$ardm" decompress "$name.ardz" -m "$name/model.ardm" --device reference -o back -f
  if cmp drawn back; then echo "ok: $run: the same letters"; else echo "FAILED: $run: other letters"; failed=1; fi
  good "$run: what lies between" "$ardm" infill "$name/model.ardm" drawn --given 0:20 --given 40:55 --device reference -o filled.txt -f
  if [ "$(head -c 20 filled.txt)" = "$(head -c 20 drawn)" ]; then echo "ok: $run: what is given stays"; else echo "FAILED: $run: what is given is changed"; failed=1; fi
  good "$run: evaluation" "$ardm" eval "$name/model.ardm" --data letters.txt --items 0:4 --device "$device"
  says out 'schedule of'
done
# One order an item: its price in one call is what an archive takes, and another seed has another order and price.
price() { "$ardm" eval permuted-1-small/model.ardm --data letters.txt --items 0:4 --seed "$1" --steps 32 --device "$device" | sed -n 's/.*measured *\([0-9.]*\).*/\1/p'; }
[ -n "$(price 1)" ] && [ "$(price 1)" = "$(price 1)" ] && [ "$(price 1)" != "$(price 2)" ] && echo "ok: an order a seed" ||
  { echo "FAILED: prices $(price 1) and $(price 2)"; failed=1; }
sed 's/^heads = 2/heads = 2\ncontext = 2/' permuted-1-small.ini > context.ini
if "$ardm" train context.ini --data . --device reference -o context > out 2> err; then echo "FAILED: a context of what is not known"; failed=1; fi
says err 'context = 0'
if "$ardm" sample permuted-1-small/model.ardm -n 1 --order-by entropy --device reference -o no.txt > out 2> err; then echo "FAILED: an order of two minds"; failed=1; fi
says err 'order-by has no choice'
if "$ardm" eval permuted-1-small/model.ardm --data letters.txt --calibration --device reference > out 2> err; then echo "FAILED: calibrated"; failed=1; fi
says err 'not measured of permuted'
exit $failed
