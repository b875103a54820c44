#!/usr/bin/env bash
# Sounds from end to end: a config is planned, a small diffwave is trained on WAV files, and codes one that it has not heard, byte for byte,
# to the same archive on every device.
set -u
ardm=$1 root=$(cd "$2" && pwd)
export ARDM_PLUGIN_PATH=$3
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

good "plan of the sample" "$ardm" plan "$root/samples/configs/audio.ini" --device reference
says out '^[0-9]+ parameters'
says out '^train +batch 8 '
says out '^largest training batch .*: [0-9]+$'

python3 - <<'PYTHON'
import math, random, struct, wave
random.seed(11)
def sound(n, phase):  # two tones and noise of a deviation of 60
    return [int(2000 * math.sin(t / 7 + phase) + 900 * math.sin(t / 3.1) + random.gauss(0, 60)) for t in range(n)]
def write(name, samples, channels=1):
    with wave.open(name, "wb") as f:
        f.setparams((channels, 2, 8000, 0, "NONE", ""))
        f.writeframes(b"".join(struct.pack("<h", s) for s in samples))
for k in range(2): write("heard%d.wav" % k, sound(8192, k))
write("new.wav", sound(700, 5))  # a last window that is cut short
write("stereo.wav", sound(1024, 1), 2)
open("raw.s16le", "wb").write(b"".join(struct.pack("<h", s) for s in sound(8192, 3)))
PYTHON

config() { # file, data, shape, family
  cat > "$1" <<INI
[data]
path = $2
$3
window = 256
[modality]
id = audio
variant = pcm16
[process]
family = $4
base = 256
[order]
family = dyadic
[network]
kind = diffwave
width = 16
layers = 3
scales = 4
cycle = 3
[head]
kind = mixture
mixtures = 2
[train]
steps = 60
batch = 4
lr = 0.01
warmup = 5
checkpoint = 60
evaluate = 60
[eval]
items = 4
INI
}
config sounds.ini "heard*.wav" "" zero-least-significant
good "training" "$ardm" train sounds.ini --data . --device reference -o run
config raw.ini raw.s16le "shape = 1024" zero-least-significant
good "training on raw samples" "$ardm" train raw.ini --data . --device reference -o raw --until 1
config whole.ini "heard*.wav" "" absorbing # two digits of one row
good "training on whole samples" "$ardm" train whole.ini --data . --device "$device" -o whole
sed 's/^kind = mixture/kind = softmax/' whole.ini > logits.ini
if "$ardm" train logits.ini --data . --device reference -o logits 2> err; then echo "FAILED: 65536 logits a unit are taken"; failed=1; fi
says err 'family = zero-least-significant and base = 256'
config two.ini stereo.wav "" zero-least-significant
if "$ardm" train two.ini --data . --device reference -o two 2> err; then echo "FAILED: two channels are taken"; failed=1; fi
says err 'one channel'

good "compress" "$ardm" compress new.wav -m run/model.ardm --device reference --steps 40 -o new.ardz
good "decompress" "$ardm" decompress new.ardz -m run/model.ardm --device reference -o back.wav
if cmp new.wav back.wav; then echo "ok: the same bytes"; else echo "FAILED: other bytes"; failed=1; fi
"$ardm" list new.ardz > out
if ! grep -q '(0 stored)' out; then echo "FAILED: the model does not win its chunk"; cat out; failed=1; fi
if (($(stat -c %s new.ardz) < $(stat -c %s new.wav) * 3 / 4)); then echo "ok: a quarter is saved"; else echo "FAILED: $(stat -c %s new.ardz) bytes"; failed=1; fi
good "compress by whole samples" "$ardm" compress new.wav -m whole/model.ardm --device "$device" --steps 40 -o whole.ardz
good "decompress elsewhere" "$ardm" decompress whole.ardz -m whole/model.ardm --device reference -o whole.wav
if cmp new.wav whole.wav; then echo "ok: the same bytes"; else echo "FAILED: other bytes"; failed=1; fi
if (($(stat -c %s whole.ardz) < $(stat -c %s new.wav) * 3 / 4)); then echo "ok: a quarter is saved"; else echo "FAILED: $(stat -c %s whole.ardz) bytes"; failed=1; fi
good "samples of whole samples" "$ardm" sample whole/model.ardm -n 1 --steps 20 --device reference -o whole-drawn.wav
# Samples cost at least their noise, log2(60 * sqrt(2 pi e)) = 7.95 bits.
if (($(stat -c %s new.ardz) < 700 * 7 / 8)); then echo "FAILED: fewer bytes than there is to tell"; failed=1; fi
if "$ardm" devices | grep -qi pthread; then
  good "compress on the processor" "$ardm" compress new.wav -m run/model.ardm --device pthread --steps 40 -o cpu.ardz
  if cmp new.ardz cpu.ardz; then echo "ok: the same archive"; else echo "FAILED: another archive"; failed=1; fi
fi
good "sample" "$ardm" sample run/model.ardm --device reference -n 1 --steps 16 -o drawn.wav
exit $failed
