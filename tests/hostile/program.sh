#!/usr/bin/env bash
# Damaged files given to the program: exit 1 with a reason, nothing written, nothing killed by a signal.
set -u
ardm=$1 golden=$(cd "$2" && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
failed=0
refuse() { # what, command …
  local what=$1 got
  shift
  "$@" > out 2> err
  got=$?
  if [ $got = 1 ] && [ -s err ]; then echo "ok: $what: $(head -c 100 err | tr '\n' ' ')"; else echo "FAILED: $what: exit $got"; cat out err; failed=1; fi
}
d="--device reference"
for size in 0 7 8 9 100 1000 20000; do
  head -c $size "$golden/tiles.ardm" > short.ardm
  refuse "a model cut to $size bytes" "$ardm" model verify short.ardm $d
done
for size in 0 4 5 12 20 39 200; do
  head -c $size "$golden/tiles.ardz" > short.ardz
  refuse "an archive cut to $size bytes" "$ardm" decompress short.ardz -m "$golden/tiles.ardm" -o nothing $d
done
[ ! -e nothing ] || { echo "FAILED: a damaged archive left a file"; failed=1; }
refuse "noise as a config" "$ardm" train /dev/stdin -o run $d < <(head -c 4000 /dev/urandom)
refuse "noise as a graph" "$ardm" graph /dev/stdin < <(printf 'ardm graph 1\n'; head -c 4000 /dev/urandom)
refuse "a picture as a model" "$ardm" model show "$golden/drawn.png"
refuse "a model as an archive" "$ardm" list "$golden/tiles.ardm"
refuse "an item above --memory" "$ardm" decompress "$golden/tiles.ardz" -m "$golden/tiles.ardm" --memory 1K -o nothing $d
exit $failed
