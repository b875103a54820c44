#!/usr/bin/env bash
# Killed with -9 at a random moment and resumed, a run ends with the bytes of one that was never stopped: states, log, curve, model.
set -eu
ardm=$1 root=$(cd "$2" && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$root"
device=$("$ardm" devices | sed -n 's/^\([0-9]*:[0-9]*\) .*/\1/p' | head -1) # named, so that a machine without any gives no warning
device=${device:-reference}
for name in tiles bytes; do
  config=$work/$name.ini whole=$work/$name-whole cut=$work/$name-cut
  # checkpoints between rows of the log too; the best step and the patience are part of them, what changes a picture is not
  more='' scales=''
  [ $name = bytes ] || more='\nrotations = yes\nsampling = antithetic' scales='\nscales = 1 2'
  sed -e "s/^checkpoint = .*/checkpoint = 7\nkeep = best\npatience = 40$more/" -e "s/^tile = .*/&$scales/" tests/golden/$name.ini > "$config"
  began=$(date +%s%N)
  "$ardm" train $config --data . --device "$device" -o "$whole" > /dev/null
  took=$((($(date +%s%N) - began) / 1000000))
  for attempt in 1 2 3 4 5 6 7 8; do # only a run that was really cut short counts
    rm -rf "$cut"
    "$ardm" train $config --data . --device "$device" -o "$cut" > /dev/null &
    running=$!
    while [ ! -f "$cut/run.safetensors" ]; do sleep 0.01; done
    wait_ms=$((RANDOM % (took / 2 + 1) / attempt))
    sleep "$((wait_ms / 1000)).$(printf %03d $((wait_ms % 1000)))"
    kill -9 $running 2> /dev/null || true
    wait $running 2> /dev/null || true
    [ -f "$cut/model.ardm" ] || break
  done
  [ ! -f "$cut/model.ardm" ] || { echo "FAILED: no run could be killed before it ended"; exit 1; }
  "$ardm" train --resume "$cut" --data . --device "$device" > /dev/null
  # seconds differ; every tensor, every other number and every row of the log must not
  python3 - "$whole" "$cut" <<'PYTHON'
import csv, json, struct, sys

def tensors(path):
    data = open(path, "rb").read()
    size = struct.unpack("<Q", data[:8])[0]
    head = json.loads(data[8:8 + size])
    head.pop("__metadata__", None)
    body = data[8 + size:]
    found = {k: (v["dtype"], v["shape"], body[v["data_offsets"][0]:v["data_offsets"][1]]) for k, v in head.items()}
    if "trainer.measured" in found:  # the first is seconds
        found["trainer.measured"] = found["trainer.measured"][:2] + (found["trainer.measured"][2][8:],)
    return found

for name in ("run.safetensors", "best.safetensors", "model.ardm"):
    a, b = (tensors("%s/%s" % (folder, name)) for folder in sys.argv[1:])
    if not a or a != b:
        sys.exit("FAILED: %s differs after a resume: %s" % (name, [k for k in a if a.get(k) != b.get(k)] or "names"))
    print("ok: %s, %d tensors identical" % (name, len(a)))
a, b = ([{k: v for k, v in row.items() if k != "seconds"} for row in csv.DictReader(open(folder + "/log.csv"))] for folder in sys.argv[1:])
if not a or a != b:
    sys.exit("FAILED: log.csv differs after a resume: %s and %s" % (a, b))
print("ok: log.csv, %d rows identical" % len(a))
PYTHON
done
