#!/usr/bin/env bash
# The runs behind runs.md and ablations.md: trains each config and measures its model.
#
#   samples/results/run.sh ARDM OUT [NAME…]     all of samples/configs/results and samples/configs/ablation, or those named
#   MINUTES=25                                  of training a run; what is not done by then is saved, and the next call goes on
#
# What is done is skipped, what was begun is resumed, to the same bytes. Ctrl-C (or a TERM to this script, from nohup) lets the program save
# and ends. A run leaves OUT/NAME: log.csv, model.ardm, train.log, a .json a measurement. samples/results/table.py OUT prints the tables.
set -u
set -m # a job has its own process group: one signal reaches it once, from here
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
configs=$(cd "$here/../configs" && pwd)
[ $# -ge 2 ] || { sed -n '2,9s/^# \{0,1\}//p' "${BASH_SOURCE[0]}"; exit 1; }
ardm=$(command -v "$1") || { echo "no program $1"; exit 1; }
ardm=$(readlink -f "$ardm")
mkdir -p "$2" && cd "$2" || exit 1
shift 2
: "${ARDM_DATA:?names the folder of the data that the configs name}"
exec 9> lock
flock -n 9 || { echo "another run.sh works in $PWD"; exit 1; }
order=(cifar-oa cifar-upscale-4-direct cifar-upscale-4-data cifar-pixel text-oa text-vowels text-causal digits-upscale-16 digits-mixture)

job='' stopped=0
# shellcheck disable=SC2317 # called by the trap
stop() {
  stopped=1
  [ -z "$job" ] || kill -TERM "$job" 2> /dev/null
}
trap stop INT TERM HUP

# go LIMIT OUTPUT COMMAND…: the command, stopped after LIMIT seconds (0: never); its exit code.
go() {
  local limit=$1 output=$2 began=$SECONDS late='' code
  shift 2
  "$@" > "$output" 2>> errors.log &
  job=$!
  while kill -0 "$job" 2> /dev/null; do
    if [ "$limit" -gt 0 ] && [ -z "$late" ] && [ $((SECONDS - began)) -ge "$limit" ]; then
      late=yes
      kill -TERM "$job" 2> /dev/null
    fi
    sleep 0.5
  done
  wait "$job"
  code=$?
  job=''
  return $code
}

train() {
  local name=$1 config=$2 how
  [ -f "$name/model.ardm" ] && { echo "$name: trained before"; return 0; }
  if [ -f "$name/run.safetensors" ]; then
    how=(--resume "$name")
    echo "$name: goes on, $(date +%T)"
  else
    how=("$config" -o "$name")
    echo "$name: starts, $(date +%T): ardm train samples/configs/${config#"$configs/"} -o $name"
  fi
  mkdir -p logs
  go $((${MINUTES:-25} * 60)) "logs/$name.log" "$ardm" train "${how[@]}"
  local code=$?
  [ $code -eq 0 ] && return 0
  [ $code -eq 130 ] && [ $stopped -eq 0 ] && { echo "$name: not done after ${MINUTES:-25} minutes; saved, the next call goes on"; return 130; }
  [ $code -eq 130 ] && return 130
  echo "$name: training failed, exit $code; the last line of errors.log:"
  tail -1 errors.log
  return $code
}

# measure NAME WHAT ARGUMENTS…: an eval or a schedule as JSON, once.
measure() {
  local name=$1 what=$2 command=$3
  shift 3
  [ -f "$name/$what.json" ] && return 0
  [ $stopped -eq 0 ] || return 130
  echo "$name: ardm $command $name/model.ardm $*"
  local began=$SECONDS
  if go 0 "$name/$what.part" "$ardm" "$command" "$name/model.ardm" "$@" --json; then
    mv "$name/$what.part" "$name/$what.json"
    echo "$what,$((SECONDS - began)),ardm $command $name/model.ardm ${*//"$ARDM_DATA"/\$ARDM_DATA} --json" >> "$name/commands.csv"
    return 0
  fi
  rm -f "$name/$what.part"
  [ $stopped -eq 1 ] && return 130
  echo "$name: $what failed; the last line of errors.log:"
  tail -1 errors.log
  return 1
}

# What is measured of a run, by the first word of its name.
measures() {
  local name=$1 steps draws=256 data few
  case $name in
    cifar-* | image*)
      data=(--data "$ARDM_DATA/cifar10/test_0000_0499.hwc.xz" --shape 32x32x3 --items 0:50)
      few=("${data[@]:0:4}" --items 0:4) ;;
    text*) # a text is one item: windows by bytes
      data=(--data "$ARDM_DATA/text/books27-test.xz@0:25600")
      few=(--data "$ARDM_DATA/text/books27-test.xz@0:1024")
      [ "$name" != text-causal ] || draws=1 ;; # which shows every letter
    digits-*)
      data=(--data "$ARDM_DATA/audio/fsdd-test.s16le.xz@0:131072" --shape 2048)
      few=(--data "$ARDM_DATA/audio/fsdd-test.s16le.xz@0:8192" --shape 2048) ;;
    *) echo "$name: nothing is known of its test data"; return 1 ;;
  esac
  measure "$name" schedule schedule || return
  case $name in
    image-raster) return 0 ;; # a call a unit and stage: the log has its bound
    image* | text | text-[crdb]*)
      if [ "$name" != text-causal ]; then # an ablation: the bound, and the default number of calls
        [[ $name != image* ]] || data[5]=0:100
        measure "$name" bound eval "${data[@]}" --draws 8 --no-context
        return
      fi ;;
  esac
  for steps in 20 50 100; do
    [ "$name" = text-causal ] && break # a call a letter, no fewer
    [ "$name" = digits-mixture ] && [ $steps -lt 50 ] && continue # 22 cells
    measure "$name" "calls-$steps" eval "${data[@]}" --steps $steps --no-context || return
  done
  measure "$name" full eval "${few[@]}" --full-order --draws $draws || return
  case $name in
    cifar-oa) measure "$name" compare eval "${data[@]:0:4}" --compare --items 0:32 --fit 100:300 --calls 1,5,20,50,100,1000 --draws 16 ;;
    text-oa) measure "$name" compare eval --data "$ARDM_DATA/text/books27-test.xz@0:25600" --compare --calls 1,5,20,50,100,1000 --draws 16 --full ;;
  esac
}

if [ $# -eq 0 ]; then
  set -- "${order[@]}"
  for config in "$configs"/ablation/*.ini; do set -- "$@" "$(basename "$config" .ini)"; done
fi
worst=0
for name; do
  [ $stopped -eq 0 ] || break
  config=$configs/results/$name.ini
  [ -f "$config" ] || config=$configs/ablation/$name.ini
  [ -f "$config" ] || { echo "no config $name"; worst=1; continue; }
  train "$name" "$config" && measures "$name" || worst=1
done
[ $stopped -eq 0 ] || { echo "stopped; the same command goes on"; exit 130; }
exit $worst
