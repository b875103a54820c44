#!/usr/bin/env bash
# The page of a run: whole, true to the log and to the commands that it names, and unmoved by what a folder may hold.
set -u
ardm=$1 tools=$(cd "$(dirname "$0")" && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
failed=0
device=$("$ardm" devices | sed -n 's/^\([0-9]*:[0-9]*\) .*/\1/p' | head -1)
export ARDM_DEVICE=${device:-reference}
run() { "$@" > out 2> err || { echo "FAILED: $*: exit $?"; cat out err; failed=1; }; }
exits() { # code, words of the message, command
  local want=$1 words=$2 code
  shift 2
  "$@" > out 2> err
  code=$?
  if [ $code = "$want" ] && grep -q "$words" err; then echo "ok: exit $want, $words"; else echo "FAILED: $*: exit $code, not $want with '$words'"; cat err; failed=1; fi
}
look() { python3 "$tools/report.py" "$@" || failed=1; }
holds() { local what=$1; shift; if "$@"; then echo "ok: $what"; else echo "FAILED: $what"; failed=1; fi; }

python3 - <<'PYTHON'
import math, random, struct
random.seed(5)
def item():
    a, b, c = random.uniform(60, 190), random.uniform(-5, 5), random.uniform(-5, 5)
    return bytes(max(0, min(255, round(a + b * y + c * x + random.gauss(0, 6)))) for y in range(-4, 4) for x in range(-4, 4))
open("train.raw", "wb").write(b"".join(item() for _ in range(400)))
open("pixels.raw", "wb").write(bytes(v + random.randrange(9) for _ in range(250) for p in item() for v in (p // 2, p // 2 + 40, p // 3)))
open("train.txt", "w").write("".join(random.choice(["<b>rain</b> & ", "snow ", "Grüße ", "\"hail\"\n", "fog's "]) for _ in range(1500)))
open("train.s16", "wb").write(b"".join(struct.pack("<h", int(9000 * math.sin(k * 0.07) + random.gauss(0, 50))) for k in range(4096)))
PYTHON
config() { # data, modality, network lines, head
  printf '[data]\npath = %s\n[modality]\nid = %s\n%s\n[train]\nsteps = 20\nbatch = 8\nwarmup = 2\ncheckpoint = 10\nevaluate = 2\n[eval]\nitems = 4\n' "$1" "$2" "$3"
}
config $'train.raw\nshape = 8x8x1\ntile = 8' $'image\nvariant = grey' $'[order]\nfamily = quincunx\n[network]\nkind = unet\nwidth = 16\nlayers = 1\nheads = 0\nstem = 8\ngroups = 4\nscales = 2\n[head]\nkind = mixture\nmixtures = 2' > picture.ini
sed 's/train.raw/pixels.raw/; s/8x8x1/8x8x3/; s/grey/rgb/; s/kind = mixture/kind = pixel/' picture.ini > pixels.ini
config $'train.txt\nwindow = 32' $'text\nvariant = bytes' $'[order]\nfamily = blocks:4-8\n[network]\nkind = transformer\nwidth = 16\nlayers = 1\nheads = 2' > text.ini
config $'train.s16\nshape = 1024\nwindow = 64' audio $'[process]\nfamily = zero-least-significant\nbase = 256\n[order]\nfamily = dyadic\n[network]\nkind = diffwave\nwidth = 16\nlayers = 2\ncycle = 2\n[head]\nkind = mixture\nmixtures = 2' > sound.ini

# Training leaves a page, without pictures; while it runs it has one too.
run "$ardm" train picture.ini --data . -o run --until 12
look whole run/report.html
look log run/report.html run/log.csv
look pictures run/report.html 0
look notes run/report.html "ardm report run does"
run "$ardm" train --resume run --data .
look log run/report.html run/log.csv

# The whole page, against the commands that it names.
run "$ardm" report run --data .
look whole run/report.html
look log run/report.html run/log.csv
look text run/report.html ini picture.ini
run "$ardm" schedule run/model.ardm --json
cp out schedule.json
look budgets run/report.html schedule.json
sampled=$(python3 "$tools/report.py" command run/report.html ardm sample) || { echo "FAILED: $sampled"; failed=1; }
PATH=$(dirname "$ardm"):$PATH run bash -c "$sampled"
look picture run/report.html samples.png
run "$ardm" eval run/model.ardm --data train.raw --shape 8x8x1 --items 392:400 --steps 16 --draws 1 --json
look held run/report.html "$(python3 -c 'import json; print(json.load(open("out"))["scheduled"])')"
look pictures run/report.html 17
for command in "ardm model show" "ardm schedule" "ardm report" "ardm train"; do
  line=$(python3 "$tools/report.py" command run/report.html $command) || { echo "FAILED: $line"; failed=1; continue; }
  if [ "$command" = "ardm train" ]; then line="$line --until 2"; fi
  PATH=$(dirname "$ardm"):$PATH run bash -c "$line"
done
run "$ardm" report run --samples 3 --steps 9 --seed 2 --data . -o few.html
look pictures few.html 7
exits 1 "few.html exists" "$ardm" report run -o few.html
run "$ardm" report run --samples 0 -o few.html -f
look pictures few.html 0
"$ardm" report run --samples 0 -o - > piped.html && cmp few.html piped.html && echo "ok: standard output" || { echo "FAILED: standard output"; failed=1; }
exits 1 "no run folder" "$ardm" report nothing
mkdir empty
exits 1 "ardm train writes them" "$ardm" report empty

# Units of three symbols: a pixel's bits, and dimensions that are three of them.
run "$ardm" train pixels.ini --data . -o pixels
run "$ardm" report pixels --data . --samples 8
look whole pixels/report.html
run "$ardm" schedule pixels/model.ardm --json
cp out schedule.json
look budgets pixels/report.html schedule.json
run "$ardm" eval pixels/model.ardm --data pixels.raw --shape 8x8x3 --items 245:250 --steps 16 --draws 1 --json
look held pixels/report.html "$(python3 -c 'import json; print(json.load(open("out"))["scheduled"])')"

# Text and sound.
run "$ardm" train text.ini --data . -o text
run "$ardm" report text --data . --samples 2 --steps 16
look whole text/report.html
python3 - <<'PYTHON' || failed=1
import sys, xml.etree.ElementTree as tree
name = "{http://www.w3.org/1999/xhtml}"
root = tree.parse("text/report.html")
held = [e for e in root.iter(name + "pre") if e.get("class") == "held"]
data = open("train.txt", "rb").read()
parts = ["".join(e.itertext()).encode() for e in held]
good = len(held) == 2 and all(p in data and len(p) == 32 for p in parts if b"\xef\xbf\xbd" not in p) and any(list(e) for e in held)
print(("ok: " if good else "FAILED: ") + "held-out text is the file's, in colours")
samples = [e for e in root.iter(name + "pre") if e.get("class") == "sample"]
print(("ok: " if len(samples) == 2 else "FAILED: ") + "two samples of text")
sys.exit(not (good and len(samples) == 2))
PYTHON
run "$ardm" train sound.ini --data . -o sound
run "$ardm" report sound --data . --samples 2
look whole sound/report.html
look pictures sound/report.html 3
python3 - <<'PYTHON' || failed=1
import base64, io, re, sys, wave
sounds = re.findall(r'src="data:audio/wav;base64,([^"]*)"', open("sound/report.html").read())
good = len(sounds) == 1 and wave.open(io.BytesIO(base64.b64decode(sounds[0], validate=True))).getnframes() == 128
print(("ok: " if good else "FAILED: ") + "two windows of sound to listen to")
sys.exit(not good)
PYTHON

# What a killed run leaves: half a line, no line, no log, no model, no checkpoint, a damaged model.
page() { run "$ardm" report "$1" --data .; look whole "$1/report.html"; }
cp -r run cut
head -c -9 run/log.csv > cut/log.csv
page cut
look notes cut/report.html "last line has no end"
head -n -1 run/log.csv > want.csv
look log cut/report.html want.csv
{ head -n 3 run/log.csv; echo 'no, row'; printf '\0\n'; tail -n +4 run/log.csv | sed 's/$/\r/'; } > cut/log.csv
page cut
look notes cut/report.html "2 lines are no rows"
look log cut/report.html run/log.csv
cut -d, -f1-9 run/log.csv > cut/log.csv
page cut
holds "a log of fewer columns has fewer curves" [ "$(grep -c 'Flushed gradients' cut/report.html)" = 0 ]
for content in '' 'step,seconds'; do
  printf '%s' "$content" > cut/log.csv
  page cut
  look notes cut/report.html "no row yet"
done
rm cut/log.csv cut/config.ini
page cut
look text cut/report.html ini picture.ini
rm cut/*.safetensors
page cut
look notes cut/report.html "No config.ini"
cp run/log.csv run/config.ini empty/
page empty
look log empty/report.html run/log.csv
look notes empty/report.html "No model.ardm"
holds "no checkpoint, and it says so" grep -q "none that can be read" empty/report.html
head -c 3000 run/model.ardm > empty/model.ardm
head -c 3000 run/run.safetensors > empty/run.safetensors
exits 2 "warning: report:" "$ardm" report empty --data .
look whole empty/report.html
look notes empty/report.html "model.ardm cannot be used"
cp -r run away
mv train.raw moved.raw
run "$ardm" report away --data . --samples 1
mv moved.raw train.raw
look notes away/report.html "the data is not at hand"
look pictures away/report.html 1

# Names and configs that would like to be more than text.
evil="<img src=x onerror=alert(1)> '&\""
cp -r run "$evil"
{ cat picture.ini; printf '; </pre><script>alert(1)</script> ]]> &amp; "\n'; printf '; \001 \377 \302\205 \355\240\200 end\n'; } > "$evil/config.ini"
sed -i 's/^tile = 8/&\nlicence = <script>alert(2)<\/script>/' "$evil/config.ini"
sed -i '3s/^[^,]*/<svg onload=alert(1)>/; 4s/,[^,]*$/,<b>/' "$evil/log.csv"
page "$evil"
look notes "$evil/report.html" "1 lines are no rows"
holds "the text of the config is there" grep -q 'script&gt;alert(1)&lt;/script' "$evil/report.html"
line=$(python3 "$tools/report.py" command "$evil/report.html" ardm model) && PATH=$(dirname "$ardm"):$PATH run bash -c "$line"
printf '[data]\npath = <script>\n[nonsense]\n' > "$evil/config.ini"
run "$ardm" report "$evil" --samples 1
look whole "$evil/report.html"
look notes "$evil/report.html" "The config cannot be read"

# A page that cannot be written ends no run; nothing is left beside it.
mkdir -p stuck/report.html
exits 2 "no report of the run" "$ardm" train picture.ini --data . -o stuck --until 4
holds "the run went on to its model" [ -f stuck/model.ardm ]
holds "one warning" [ "$(grep -c 'no report' err)" = 1 ]
holds "no temporary file stays" [ -z "$(find . -name '.ardm*')" ]
exit $failed
