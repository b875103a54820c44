#!/usr/bin/env bash
# Several processes train one model through MPI: checkpoint, model and log are those of one process, byte for byte but for the seconds; a signal to any
# rank stops all of them after a checkpoint, and a rank that fails ends the job with its message instead of leaving the others waiting.
set -u
ardm=$1 joined=$3
export ARDM_PLUGIN_PATH=$2
if [ "$joined" != 1 ] || ! command -v mpirun > /dev/null; then
  echo "SKIPPED: training by several processes: no MPI is installed (Debian: libopenmpi-dev and openmpi-bin)"
  exit 77
fi
# Two ranks where there is one processor, and in a container whose user is root.
export OMPI_ALLOW_RUN_AS_ROOT=1 OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1 OMPI_MCA_rmaps_base_oversubscribe=1
export ASAN_OPTIONS=${ASAN_OPTIONS:+$ASAN_OPTIONS:}detect_leaks=0 # what MPI keeps is not ours
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work" || exit 1
failed=0
good() { # what, command …
  local what=$1
  shift
  if timeout 300 "$@" > out 2> err; then echo "ok: $what"; else echo "FAILED: $what"; cat out err; failed=1; fi
}
says() { if grep -qE -- "$2" "$1"; then echo "ok: says $2"; else echo "FAILED: does not say $2:"; cat "$1"; failed=1; fi; }

for i in $(seq 800); do printf '%d sheep sleep in the shade; ' $((i * i % 97)); done > words.txt
config() { # steps, accumulate
  cat <<INI
[data]
path = words.txt
window = 16
[modality]
id = text
variant = bytes
[order]
family = blocks:1-4
[network]
kind = transformer
width = 16
layers = 2
heads = 2
context = 1
buckets = 64
dropout = 0.1
[train]
steps = $1
batch = 8
group = 1
warmup = 2
lr = 0.01
clip = 0.5
checkpoint = 3
evaluate = 4
keep = best
accumulate = $2
[eval]
items = 2
INI
}

cat > same.py <<'PYTHON'
import csv, json, struct, sys

def tensors(path):
    data = open(path, "rb").read()
    size = struct.unpack("<Q", data[:8])[0]
    head = json.loads(data[8:8 + size])
    facts = head.pop("__metadata__", {})
    if "ardm.training" in facts:
        facts["ardm.training"] = {k: v for k, v in json.loads(facts["ardm.training"]).items() if k != "seconds"}
    body = data[8 + size:]
    found = {k: (v["dtype"], v["shape"], body[v["data_offsets"][0]:v["data_offsets"][1]]) for k, v in head.items()}
    if "trainer.measured" in found:  # the first is seconds
        found["trainer.measured"] = found["trainer.measured"][:2] + (found["trainer.measured"][2][8:],)
    return found, facts

for name in ("run.safetensors", "best.safetensors", "model.ardm"):
    (a, facts), (b, others) = (tensors("%s/%s" % (folder, name)) for folder in sys.argv[1:])
    if not a or a != b or facts != others:
        sys.exit("%s differs: %s" % (name, [k for k in a if a.get(k) != b.get(k)] or [k for k in facts if facts[k] != others.get(k)] or "names"))
a, b = ([{k: v for k, v in row.items() if k != "seconds"} for row in csv.DictReader(open(folder + "/log.csv"))] for folder in sys.argv[1:])
if not a or a != b:
    sys.exit("log.csv differs: %s and %s" % (a, b))
PYTHON

for accumulate in 1 4; do
  config 9 $accumulate > a$accumulate.ini
  good "one process, accumulate $accumulate" "$ardm" train a$accumulate.ini --data . --device reference -o one$accumulate
  good "two ranks" mpirun -n 2 "$ardm" train a$accumulate.ini --data . --device reference -o two$accumulate
  [ "$(grep -c '^model ' out)" = 1 ] || { echo "FAILED: not one rank told of the model"; cat out; failed=1; }
  good "two ranks give the bytes of one process" python3 same.py one$accumulate two$accumulate
  good "two ranks of two devices" mpirun -n 2 "$ardm" train a$accumulate.ini --data . --device reference,reference -o four$accumulate
  says out '^device .*, .* on rank 0 of 2, '
  good "they give the bytes of one process" python3 same.py one$accumulate four$accumulate
done
good "one process, to step 4" "$ardm" train a1.ini --data . --device reference -o moved --until 4
good "two ranks, to step 7" mpirun -n 2 "$ardm" train --resume moved --data . --device reference --until 7
good "one process, to the end" "$ardm" train --resume moved --data . --device reference
good "a run that moves gives the bytes of one that does not" python3 same.py one1 moved

# A signal to rank 1 alone.
config 240 1 > long.ini
good "one process, long" "$ardm" train long.ini --data . --device reference -o long
timeout 300 mpirun -n 2 sh -c 'echo $$ > pid.$OMPI_COMM_WORLD_RANK; exec "$@"' sh "$ardm" train long.ini --data . --device reference -o cut > out 2> err &
job=$!
while [ ! -f cut/log.csv ] && kill -0 $job 2> /dev/null; do sleep 0.02; done
kill -INT "$(cat pid.1)"
wait $job
code=$?
if [ $code = 130 ] && [ ! -f cut/model.ardm ]; then echo "ok: a signal to one rank stops all"; else echo "FAILED: exit $code after a signal"; cat out err; failed=1; fi
says err 'stopped at step [0-9]+; go on with ardm train --resume cut'
good "two ranks go on" mpirun -n 2 "$ardm" train --resume cut --data . --device reference
good "a run that was stopped gives the bytes of one that was not" python3 same.py long cut

# A rank that fails.
config 9 1 | sed 's/lr = 0.01/lr = 0.02/' > other.ini
timeout 120 mpirun -n 1 "$ardm" train a1.ini --data . --device reference -o bad : -n 1 "$ardm" train other.ini --data . --device reference -o bad > out 2> err
code=$?
if [ $code != 0 ] && [ $code != 124 ]; then echo "ok: a rank of another config ends the job"; else echo "FAILED: exit $code"; failed=1; fi
says err 'ardm: rank 1 of 2: rank 1 reads another config than rank 0'
timeout 120 mpirun -n 1 "$ardm" train a1.ini --data . --device reference -o worse : -n 1 "$ardm" train a1.ini --data . --device 'no such device' -o worse > out 2> err
code=$?
if [ $code != 0 ] && [ $code != 124 ]; then echo "ok: a rank without a device ends the job"; else echo "FAILED: exit $code"; failed=1; fi
says err 'ardm: rank 1 of 2: .*no such device'
PMI_SIZE=2 timeout 120 "$ardm" train a1.ini --data . --device reference -o worse > out 2> err && { echo "FAILED: a launcher of another kind went unnoticed"; failed=1; }
says err 'the launcher started 2 processes and the plugin sees 1'
exit $failed
