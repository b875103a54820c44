#!/usr/bin/env bash
# Killed with -9 somewhere and resumed, a run ends with the bytes of one that was never stopped: states, curve, model.
set -eu
ardm=$1 root=$(cd "$2" && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$root"
device=$("$ardm" devices | sed -n 's/^\([0-9]*:[0-9]*\) .*/\1/p' | head -1) # named, so that a machine without any gives no warning
device=${device:-reference}
for name in tiles bytes; do
  config=tests/golden/$name.ini
  "$ardm" train $config --data . --device "$device" -o "$work/$name-whole" > /dev/null
  "$ardm" train $config --data . --device "$device" -o "$work/$name-cut" > /dev/null &
  running=$!
  while [ ! -f "$work/$name-cut/run.safetensors" ] && kill -0 $running 2> /dev/null; do sleep 0.05; done
  sleep "0.$((RANDOM % 4))"
  kill -9 $running 2> /dev/null || true
  wait $running 2> /dev/null || true
  [ ! -f "$work/$name-cut/model.ardm" ] || echo "note: the run had ended before it was killed"
  "$ardm" train --resume "$work/$name-cut" --data . --device "$device" > /dev/null
  # seconds differ; every tensor and every other fact must not
  python3 - "$work/$name-whole" "$work/$name-cut" <<'PYTHON'
import json, struct, sys

def tensors(path):
    data = open(path, "rb").read()
    size = struct.unpack("<Q", data[:8])[0]
    head = json.loads(data[8:8 + size])
    head.pop("__metadata__", None)
    body = data[8 + size:]
    return {k: (v["dtype"], v["shape"], body[v["data_offsets"][0]:v["data_offsets"][1]]) for k, v in head.items() if k != "trainer.measured"}

for name in ("run.safetensors", "model.ardm"):
    a, b = (tensors("%s/%s" % (folder, name)) for folder in sys.argv[1:])
    if not a or a != b:
        sys.exit("FAILED: %s differs after a resume: %s" % (name, [k for k in a if a.get(k) != b.get(k)] or "names"))
    print("ok: %s, %d tensors identical" % (name, len(a)))
PYTHON
done
