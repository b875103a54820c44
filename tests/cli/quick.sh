#!/usr/bin/env bash
# train --quick as users meet it: a plan, an ordinary run, figures on held-out files; and what it refuses, by name.
set -u
ardm=$1
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
export POCL_MAX_PTHREAD_COUNT=1
failed=0
device=$("$ardm" devices | sed -n 's/^\([0-9]*:[0-9]*\) .*/\1/p' | head -1) # the refusals need none
ok() { echo "ok: $*"; }
bad() { echo "FAILED: $*"; failed=1; }
refused() { # what the message says, files and options …
  local says=$1
  shift
  if "$ardm" train --quick "$@" -o refused > out 2> err; then bad "not refused: $*"; cat out; return; fi
  if grep -q -- "$says" err; then ok "refused, $says"; else bad "does not say $says:"; cat err; fi
}
# A busy machine gets more time; it is the message that tells.
quick() { # run folder, files and options …
  local run=$1 minutes
  shift
  for minutes in 0.2 0.8 3; do
    rm -rf "$run"
    "$ardm" train --quick "$@" -o "$run" --minutes $minutes --device $device > out 2> err && return 0
    grep -q 'have no room' err || break
  done
  cat err
  return 1
}

python3 - <<'PYTHON'
import os, random, struct
random.seed(7)
words = ["the", "of", "a", "ship", "lamp", "river", "under", "slowly", "carries", "seven", "stones", "home", "and"]
def prose(size):
    text = ""
    while len(text) < size:
        text += " ".join(random.choice(words) for _ in range(random.randrange(4, 12))) + ".\n"
    return text[:size].encode()
open("story.txt", "wb").write(prose(70000))
open("other.txt", "wb").write(prose(3000))
open("noise.bin", "wb").write(bytes(random.randrange(256) for _ in range(60000)))
os.mkdir("pic tures")
for k in range(12):
    a, b, c = random.uniform(1, 3), random.uniform(1, 3), random.randrange(60)
    rows = bytes(int(a * x + b * y + c + random.gauss(0, 2)) % 256 for y in range(96) for x in range(96))
    open("pic tures/%d.pgm" % k, "wb").write(b"P5\n96 96\n255\n" + rows)
open("colour.ppm", "wb").write(b"P6\n96 96\n255\n" + bytes(96 * 96 * 3))
open("broken.png", "wb").write(b"\x89PNG\r\n\x1a\n" + bytes(40))
PYTHON

refused 'nowhere.txt: no such file' nowhere.txt
refused 'pic tures is a folder' "pic tures"
refused 'other.txt is empty\|are too little' other.txt
refused '100 are needed' other.txt
refused 'noise.bin: no modality reads it' noise.bin
refused 'broken.png' broken.png
refused '0.pgm is image grey, but .*colour.ppm is image rgb' "pic tures/0.pgm" colour.ppm
refused 'story.txt is text bytes, but .*0.pgm is image grey' story.txt "pic tures/0.pgm" "pic tures/1.pgm"
refused 'given twice' story.txt ./story.txt
refused '--until has no meaning' story.txt --until 3
refused 'no modality reads it as arrays of 7x7x3' noise.bin --shape 7x7x3
[ ! -e refused/config.ini ] && ok "nothing is trained where something is refused" || bad "a refused run has a config"
if "$ardm" train --minutes 3 x.ini 2> err; then bad "--minutes alone"; fi
grep -q 'are for --quick' err && ok "--minutes alone is refused" || bad "$(cat err)"
"$ardm" train --help | grep -q -- '--quick' && ok "help" || bad "help lacks --quick"
if [ -z "$device" ]; then
  echo "skipped: what fits a time on the C reference alone is too little; no OpenCL device is here"
  [ $failed = 0 ] && exit 77 || exit 1
fi

# Text: the end of a single file is held out; the figures are those of the files on disk.
if quick text story.txt; then
  grep -q '^1 file of text bytes, 70000 bytes: 70000 symbols, 136 windows of 512' out && ok "what it is" || bad "$(cat out)"
  grep -q 'the last 4096 bytes of .*story.txt' out && ok "what is held out" || bad "$(cat out)"
  grep -q 'network: transformer of width .* parameters' out && ok "network" || bad "$(cat out)"
  grep -q 'plan: [0-9]* steps' out && ok "plan" || bad "$(cat out)"
  grep -q "model      $(stat -c %s text/model-bf16.ardm) bytes" out && ok "bytes of the model" || bad "$(cat out)"
  python3 - <<'PYTHON' && ok "after how much data" || failed=1
import re, sys
text = open("out").read()
model = int(re.search(r"model +(\d+) bytes", text)[1])
coded, stored = (float(re.search(r"%s +([0-9.]+) bytes an input byte" % word, text)[1]) for word in ("with it", "without"))
pays = re.search(r"after ([0-9.]+) (.)B of such data", text)
never = "never pays for itself" in text
if never != (coded >= stored):
    sys.exit("FAILED: coded %g, stored %g, and it says\n%s" % (coded, stored, text))
if pays:
    wanted, got = model / (stored - coded), float(pays[1]) * {"k": 1e3, "M": 1e6, "G": 1e9}[pays[2]]
    if abs(got - wanted) > 0.06 * wanted + 1e5 / (stored - coded) * 1e-4:
        sys.exit("FAILED: pays after %g, not %g" % (wanted, got))
PYTHON
  grep -q "^path = $work/story.txt@0:65904\$" text/config.ini && ok "the rest is trained on" || bad "$(cat text/config.ini)"
  "$ardm" plan text/config.ini --device $device > /dev/null && ok "the config is one" || bad "plan refuses the config"
  tail -c 600 story.txt > last.txt
  "$ardm" compress last.txt -m text/model-bf16.ardm --device $device --steps 64 -q &&
    "$ardm" decompress last.txt.ardz -m text/model-bf16.ardm --device $device -o back.txt -q &&
    cmp last.txt back.txt && ok "a held-out part comes back" || bad "a held-out part"
  if "$ardm" train --quick story.txt -o text --device $device 2> err; then bad "a run is overwritten"; fi
  grep -q 'text/run.safetensors exists' err && ok "a run is not overwritten" || bad "$(cat err)"
else
  bad "text"
fi

# Pictures, in a folder that a config cannot name; interrupted, the run goes on as any run, and to its figures.
"$ardm" train --quick pic\ tures/*.pgm -o pictures --minutes 10 --device $device > out 2> err &
pid=$!
for _ in $(seq 600); do [ -e pictures/run.safetensors ] && break; sleep 0.1; done
kill -INT $pid
wait $pid
[ $? = 130 ] && ok "interrupted" || bad "$(cat out err)"
grep -q 'train --quick --resume pictures' err && ok "says how to go on" || bad "$(cat err)"
[ -z "$(ls -d pictures/speed* 2> /dev/null)" ] && ok "no trial is left" || bad "$(ls pictures)"
grep -q "^path = $work/pictures/data/\*\$" pictures/config.ini &&
  [ "$(ls pictures/data | wc -l)" = 10 ] && ok "ten of twelve are trained on" || bad "$(ls pictures/data)"
step=$(sed -n 's/.*stopped at step \([0-9]*\).*/\1/p' err)
"$ardm" train --resume pictures --until $((step + 1)) --device $device > out 2> err && ok "goes on without --quick" || bad "$(cat err)"
"$ardm" train --quick --resume pictures --minutes 0.1 --device $device --json > out 2> err && ok "goes on with it" || bad "$(cat err)"
python3 - <<'PYTHON' && ok "figures" || failed=1
import json, os, sys
w, held = json.load(open("out")), json.load(open("pictures/held-out.json"))["held_out"]
if w["model_bytes"] != os.path.getsize("pictures/model-bf16.ardm") or w["symbols"] < 1024 or w["stored_chunks"] > w["chunks"] or len(held) != 2:
    sys.exit("FAILED: %s %s" % (w, held))
gain = w["stored"] - w["coded"]
if (w["pays_after_bytes"] is None) != (gain <= 0) or gain > 0 and abs(w["pays_after_bytes"] * gain / w["model_bytes"] - 1) > 1e-6:
    sys.exit("FAILED: pays after %s" % w)
files = [os.path.getsize(h["path"]) for h in held]
if abs(w["coded"] * sum(files) / (w["bits_a_symbol"] / 8 * 2 * 96 * 96) - 1) > 1e-6:  # bits a symbol, as bytes an input byte
    sys.exit("FAILED: the unit of %s" % w)
if any(os.path.realpath("pictures/data/" + name) == h["path"] for name in os.listdir("pictures/data") for h in held):
    sys.exit("FAILED: what is held out is trained on")
PYTHON
exit $failed
