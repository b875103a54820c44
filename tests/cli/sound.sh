#!/usr/bin/env bash
# Sound through the whole program: a model trained on raw samples codes WAV files, draws and fills in; other sounds are stored.
set -eu
ardm=$1
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
fail() { echo "FAILED: $*"; exit 1; }
python3 - <<'PYTHON'
import math, random, struct, wave
random.seed(1)
wobble = lambda k: int(9000 * math.sin(k * 0.07) + 3000 * math.sin(k * 0.31) + random.gauss(0, 50))
open("train.s16", "wb").write(b"".join(struct.pack("<h", wobble(k)) for k in range(4096)))
for name, channels, width, rate in ("mono", 1, 2, 8000), ("fast", 1, 2, 44100), ("stereo", 2, 2, 8000), ("small", 1, 1, 8000):
    with wave.open(name + ".wav", "wb") as file:
        file.setnchannels(channels), file.setsampwidth(width), file.setframerate(rate)
        file.writeframes(b"".join(struct.pack("<h", wobble(k))[2 - width:] for k in range(601 * channels)))
open("tail.wav", "wb").write(open("mono.wav", "rb").read() + b"LIST\4\0\0\0INFO!")
PYTHON
cat > sound.ini <<'INI'
[data]
path = train.s16
shape = 1024
window = 128
[modality]
id = audio
[process]
family = zero-least-significant
base = 256
[order]
family = dyadic
[network]
kind = diffwave
width = 16
layers = 2
cycle = 2
[head]
kind = mixture
mixtures = 2
[train]
steps = 2
batch = 8
warmup = 1
[eval]
items = 2
INI
"$ardm" train sound.ini --data . --device reference -o run > /dev/null
model="-m run/model.ardm --device reference"
for name in mono fast tail; do
  "$ardm" compress $name.wav $model --steps 20 -o $name.ardz -q
  "$ardm" list $name.ardz | grep -q '^audio  *601 ' || fail "$name.wav was not coded as 601 samples"
  "$ardm" test $name.ardz $model | grep -q 'the same bytes' || fail "$name.ardz"
  "$ardm" decompress $name.ardz $model -o $name.back -q
  cmp $name.wav $name.back
done
for name in stereo small; do # the model is not of their kind: zstd
  if "$ardm" compress $name.wav $model -o $name.ardz -q 2> why; then fail "$name.wav was coded by a model of pcm16"; fi
  grep -q "not audio pcm" why || fail "$(cat why)"
  ARDM_MODEL_PATH=run "$ardm" compress $name.wav --device reference -o $name.ardz -q
  "$ardm" list $name.ardz | grep -q '^stored ' || fail "$name.wav was not stored"
  "$ardm" decompress $name.ardz -o $name.back -q
  cmp $name.wav $name.back
done
"$ardm" sample run/model.ardm -n 3 --steps 20 --device reference > /dev/null
python3 -c 'import wave; f = wave.open("samples.wav"); assert (f.getnframes(), f.getframerate()) == (384, 8000), f.getparams()'
"$ardm" sample run/model.ardm -n 3 --steps 20 --device reference -o samples.png > /dev/null
head -c 4 samples.png | grep -q PNG || fail "samples.png is no PNG"
"$ardm" infill run/model.ardm fast.wav --mask 100-130 --steps 20 --device reference > /dev/null
python3 - <<'PYTHON'
a, b = open("fast.wav", "rb").read(), open("filled.wav", "rb").read()
changed = [k for k in range(len(a)) if a[k] != b[k]]
assert len(a) == len(b) and changed and changed[0] >= 44 + 200 and changed[-1] < 44 + 262, changed
PYTHON
# Given sets of sound: every second sample, a prefix, a gap; and twice as many samples.
"$ardm" infill run/model.ardm mono.wav --grid 2 --steps 20 --device reference -o grid.wav > grid.out
grep -q '300 units; what was there costs .*around the mean' grid.out || fail "$(cat grid.out)"
"$ardm" infill run/model.ardm mono.wav --given :300 --steps 20 --device reference -o prefix.wav > /dev/null
"$ardm" infill run/model.ardm mono.wav --given 0:200,260: --steps 20 --device reference -o gap.wav > /dev/null
"$ardm" infill run/model.ardm mono.wav --mask 200-259 --steps 20 --device reference -o same.wav > /dev/null
"$ardm" infill run/model.ardm mono.wav --enlarge 2 --steps 20 --device reference -o large.wav > /dev/null
cmp gap.wav same.wav
python3 - <<'PYTHON'
import struct, wave
def samples(path):
    with wave.open(path) as file:
        return struct.unpack("<%dh" % file.getnframes(), file.readframes(file.getnframes()))
a = samples("mono.wav")
def kept(path, given):
    b = samples(path)
    changed = [k for k in range(601) if a[k] != b[k]]
    assert len(b) == 601 and changed and not any(given(k) for k in changed), (path, changed)
kept("grid.wav", lambda k: k % 2 == 0), kept("prefix.wav", lambda k: k < 300), kept("gap.wav", lambda k: not 200 <= k < 260)
assert samples("large.wav")[::2] == a and len(samples("large.wav")) == 1202
PYTHON
# Refined from stage 1 the high bytes stay and the low ones are drawn.
"$ardm" refine run/model.ardm mono.wav --from-stage 1 --steps 20 --device reference -o refined.wav | grep -q '256 of 65536 values told apart' || fail "refine"
python3 - <<'PYTHON'
import struct, wave
def samples(path):
    with wave.open(path) as file:
        return struct.unpack("<%dh" % file.getnframes(), file.readframes(file.getnframes()))
a, b = samples("mono.wav"), samples("refined.wav")
assert [x >> 8 for x in a] == [x >> 8 for x in b] and sum(x != y for x, y in zip(a, b)) > 500
PYTHON
