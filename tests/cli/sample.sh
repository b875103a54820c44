#!/usr/bin/env bash
# Drawing as users meet it: temperatures, and what is refused.
set -u
ardm=$1 golden=$(cd "$2" && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
failed=0
d="--device reference"
run() { "$@" > out 2> err || { echo "FAILED: $*: exit $?"; cat out err; failed=1; }; }
refused() { # what is said, command …
  local says=$1
  shift
  if "$@" > out 2> err; then echo "FAILED: $* is not refused"; failed=1; elif grep -q -- "$says" err; then echo "ok: refused: $says"; else
    echo "FAILED: $*: does not say $says:"; cat err; failed=1
  fi
}
same() { if cmp "$2" "$3"; then echo "ok: $1"; else echo "FAILED: $1"; failed=1; fi; }
differ() { if cmp -s "$2" "$3"; then echo "FAILED: $1"; failed=1; else echo "ok: $1"; fi; }

# Temperature: 1 is no temperature; others are drawn, never coded.
for name in staged tiles bytes; do
  n=16; [ $name = bytes ] && n=24
  run "$ardm" sample "$golden/$name.ardm" $d -n 2 --steps $n -o $name.plain
  run "$ardm" sample "$golden/$name.ardm" $d -n 2 --steps $n --temperature 1 -o $name.one
  run "$ardm" sample "$golden/$name.ardm" $d -n 2 --steps $n -t 0.5 -o $name.cold
  same "$name: temperature 1 changes no bit" $name.plain $name.one
  differ "$name: temperature 0.5 draws something else" $name.plain $name.cold
done
refused "unknown option --temperature" "$ardm" compress "$golden/boat.ppm" -m "$golden/tiles.ardm" --temperature 0.5 $d -o no.ardz
refused "unknown option -t" "$ardm" decompress "$golden/tiles.ardz" -m "$golden/tiles.ardm" -t 2 $d -o no.ppm
refused "temperature" "$ardm" sample "$golden/tiles.ardm" $d --temperature 0 -o no.png
exit $failed
