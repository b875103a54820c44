#!/usr/bin/env bash
# A device that is not exact is refused for coding, before anything is written: by the probe, once a driver, and where that was passed
# by a call that the C reference makes again. The wrong device is wrong_device.c; the program is the one that users have.
set -u
ardm=$1 golden=$(cd "$2" && pwd) shim=$3
device=$("$ardm" devices | sed -n 's/^\([0-9]*:[0-9]*\) .*/\1/p' | head -1)
[ -n "$device" ] || { echo "skipped: no OpenCL device"; exit 77; }
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
failed=0
ok() { echo "ok: $1"; }
bad() { echo "FAILED: $1"; [ ! -f err ] || cat err; failed=1; }
check() { if "${@:2}"; then ok "$1"; else bad "$1"; fi; }
expect() { # wanted exit code, what, cache, command …
  local wanted=$1 what=$2 cache=$3 got
  shift 3
  ARDM_CACHE=$cache "$@" > out 2> err
  got=$?
  if [ $got = "$wanted" ]; then ok "$what"; else bad "$what: exit $got, not $wanted"; fi
}
says() { if grep -qE -- "$1" err; then ok "says $1"; else bad "does not say $1:"; fi; }
none() { if [ ! -e "$1" ]; then ok "nothing is written"; else bad "$1 is written"; fi; }
total() { awk '{ n += $2 } END { print n + 0 }' "$1"; }
of() { awk -v name="$2" '$1 == name { n = $2 } END { print n + 0 }' "$1"; }
verdicts() { find "$1" -name '*.probe' | wc -l; }
cp "$golden/boat.ppm" .
compress="$ardm compress boat.ppm -m $golden/tiles.ardm --device $device"
# One rounding of the frequency rule, half a unit off; its constant, off by far, which no row hides; a driver that fuses where it must not.
frequency=(env "LD_PRELOAD=$shim" "WRONG_FROM=+ (1ul << 29)" "WRONG_TO=+ (1ul << 28)")
steeper=(env "LD_PRELOAD=$shim" "WRONG_FROM=0x1.715476p+12f" "WRONG_TO=0x1.714476p+12f")
fusing=(env "LD_PRELOAD=$shim" "WRONG_FROM=as_uint(ardm_mul(p, q) + r)" "WRONG_TO=as_uint(fma(p, q, r))")

# The first run probes, later ones do not, and the probe launches what coding launches, nothing else.
for run in 1 2 3; do
  expect 0 "run $run" "$work/cache" env "LD_PRELOAD=$shim" "WRONG_LOG=$work/$run.log" $compress -o good.ardz -f
  check "run $run gives the golden archive" cmp good.ardz "$golden/tiles.ardz"
  [ $run != 1 ] || found=$(verdicts cache)
done
check "the primitives were probed" [ "$(of 1.log probe)" = 27 ]
check "once" [ "$(of 2.log probe)" = 0 ]
check "the first run launches more than the second: $(total 1.log), $(total 2.log)" [ "$(total 1.log)" -gt "$(total 2.log)" ]
check "the third as many as the second" cmp 2.log 3.log
check "no new verdict after the first run" [ "$(verdicts cache)" = "$found" ]
while read -r kernel count; do
  check "$kernel was probed: $(of 1.log "$kernel") launches, then $count" [ "$(of 1.log "$kernel")" -gt "$count" ]
done < 2.log
for kernel in adam embed conv_grad softmax_nll layer_norm; do
  check "no case of $kernel was run" [ -z "$(grep "^$kernel" 1.log)" ]
done
expect 0 "doctor" "$work/cache" env "LD_PRELOAD=$shim" "WRONG_LOG=$work/doctor.log" "$ardm" doctor --device "$device"
check "doctor runs all, whatever is kept" [ "$(of doctor.log probe)" = 27 ]
check "and keeps more verdicts: $(verdicts cache), $found" [ "$(verdicts cache)" -gt "$found" ]
expect 0 "again" "$work/cache" env "LD_PRELOAD=$shim" "WRONG_LOG=$work/doctor2.log" "$ardm" doctor --device "$device"
check "with as many launches" cmp doctor.log doctor2.log
expect 0 "without a cache" off env "LD_PRELOAD=$shim" "WRONG_LOG=$work/off.log" $compress -o off.ardz
check "the probe runs once a run" [ "$(total off.log)" = "$(total 1.log)" ]

# A wrong kernel is found by its own cases, whatever the command.
expect 4 "compress with a wrong kernel" "$work/wrong" "${frequency[@]}" $compress -o bad.ardz
says "refused for coding.*op frequency, case [0-9]+, variant [a-z0-9-]+: output f\[[0-9]+\]"
none bad.ardz
expect 4 "decompress with a wrong kernel" "$work/wrong" "${frequency[@]}" "$ardm" decompress "$golden/tiles.ardz" -m "$golden/tiles.ardm" --device "$device" -o bad.ppm
says "refused for coding.*op frequency"
none bad.ppm
expect 4 "test with a wrong kernel" "$work/wrong" "${frequency[@]}" "$ardm" test "$golden/tiles.ardz" -m "$golden/tiles.ardm" --device "$device"
says "refused for coding.*op frequency"
expect 4 "no option leaves the probe out" "$work/wrong" "${frequency[@]}" $compress -o bad.ardz --no-verify
none bad.ardz
expect 4 "doctor with a wrong kernel" "$work/wrong" "${frequency[@]}" "$ardm" doctor --device "$device"
expect 4 "a driver that fuses" "$work/fused" "${fusing[@]}" $compress -o bad.ardz
says "a rounded product is not fused: operands"
none bad.ardz

# Verdicts belong to a driver, and a file says which: one under another's name is not believed.
cp -r cache other
expect 4 "a verdict is not another driver's" "$work/other" env WRONG_DRIVER=-x "${frequency[@]}" $compress -o bad.ardz --no-verify
says "refused for coding.*op frequency"
kept=$(grep -lx exact "$work"/cache/*.probe | head -1) replaced=0
for file in other/*.probe; do
  [ ! -e "cache/$(basename "$file")" ] || continue
  cp "$kept" "$file"
  replaced=$((replaced + 1))
done
check "verdicts put under other names: $replaced" [ "$replaced" -gt 1 ]
expect 4 "and not believed" "$work/other" env WRONG_DRIVER=-x "${frequency[@]}" $compress -o bad.ardz --no-verify
says "refused for coding.*op frequency"
none bad.ardz

# A device that went bad after its verdict: one call by the C reference tells.
rm cache/*.program
for seed in 0 1 2; do
  expect 4 "a device that went bad, seed $seed" "$work/cache" "${steeper[@]}" $compress -o bad.ardz --seed $seed
  says "boat.ppm, nothing is written: chunk 0, tile [0-9]+, call [0-9]+ of [0-9]+, (one of rows|row) [0-9]+"
  none bad.ardz
done
expect 0 "which --no-verify leaves out" "$work/cache" "${steeper[@]}" $compress -o bad.ardz --no-verify
check "and the archive is another one" bash -c '! cmp -s bad.ardz "$0"' "$golden/tiles.ardz"
"$ardm" compress --help > help
check "as the help says" grep -q "no-verify.*nor recompute" help
exit $failed
