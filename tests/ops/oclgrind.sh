#!/bin/sh
# oclgrind.sh TEST_OPS [OP]: small cases under Oclgrind. It exits 0 and finishes queues whatever it finds, so its log decides; and a
# planted out-of-bounds write must show in a log, or the check is blind.
set -eu
program=$1
command -v oclgrind >/dev/null || { echo "oclgrind is not installed: not exercised"; exit 77; }
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
export ARDM_CACHE=off
oclgrind --log "$folder/plant.log" "$program" --plant
if [ ! -s "$folder/plant.log" ]; then
    echo "the planted out-of-bounds write was not reported"
    exit 1
fi
status=0
# Without optimisation: its interpreter lacks the population count that LLVM makes of a test for powers of two.
oclgrind --log "$folder/run.log" --data-races --build-options "-cl-opt-disable" "$program" --device Oclgrind --small ${2:+--only "$2"} || status=$?
if [ -s "$folder/run.log" ]; then
    head -n 40 "$folder/run.log"
    exit 1
fi
exit "$status"
