#!/usr/bin/env bash
# install.sh BUILD SOURCE: installs BUILD into a scratch prefix and lives from that alone: the program and its plugins, the codec
# sample against the package, a plugin of somebody else's against one header.
set -euo pipefail
build=$1 source=$2
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
prefix=$scratch/prefix
fail() { echo "install: $1" >&2; exit 1; }
quietly() { "$@" >"$scratch/log" 2>&1 || { cat "$scratch/log"; fail "$* failed"; }; }
unset ARDM_PLUGIN_PATH ARDM_MODEL_PATH

quietly cmake --install "$build" --prefix "$prefix"
for file in bin/ardm include/ardm/plugin.h include/ardm/codec.h; do
  [ -e "$prefix/$file" ] || fail "$file was not installed"
done
for model in "$source"/samples/models/*.ardm; do
  cmp "$model" "$prefix/share/ardm/$(basename "$model")" || fail "$(basename "$model") was not installed"
done
modules=$(dirname "$(find "$prefix" -name ardm_text.so)")
ardm=$prefix/bin/ardm

# The program finds its plugins and models by its own place, not by the build's.
"$ardm" plugin list >"$scratch/plugins"
for module in text image; do
  grep -q "^org.ardm.$module .* $prefix/.*ardm_$module.so$" "$scratch/plugins" || { cat "$scratch/plugins"; fail "plugin $module was not found"; }
done
"$ardm" model show tiles | grep -q quincunx || fail "the installed model tiles was not found by its name"

# A machine without any OpenCL driver: told, and everything still works, with exit code 2.
mkdir "$scratch/none"
bare() { env -u ARDM_DEVICE OCL_ICD_VENDORS="$scratch/none" "$ardm" "$@" >"$scratch/log" 2>&1; }
bare devices || fail "ardm devices fails without OpenCL"
grep -q "^no OpenCL device can be used" "$scratch/log" || { cat "$scratch/log"; fail "ardm devices does not say that there is none"; }
golden=$source/tests/golden
code=0; bare decompress "$golden/bytes.ardz" -m "$golden/bytes.ardm" -o "$scratch/prose.txt" || code=$?
[ "$code" = 2 ] || { cat "$scratch/log"; fail "exit code $code, not 2, on the reference by default"; }
grep -q "running the slow C reference" "$scratch/log" || { cat "$scratch/log"; fail "the fallback is not told"; }
cmp "$scratch/prose.txt" "$golden/prose.txt" || fail "the reference decodes other bytes"
bare test "$golden/bytes.ardz" -m "$golden/bytes.ardm" --device reference || fail "the reference by name is no fallback, yet it warns"

# Outside the tree.
mkdir "$scratch/outside" "$scratch/plugin"
cp "$source"/tests/install/outside/* "$source/samples/codec.c" "$scratch/outside"
cp "$source"/samples/plugin/* "$scratch/plugin"
quietly cmake -S "$scratch/outside" -B "$scratch/outside/build" -DCMAKE_BUILD_TYPE=Release -DCMAKE_PREFIX_PATH="$prefix"
quietly cmake --build "$scratch/outside/build"
ARDM_PLUGIN_PATH=$modules "$scratch/outside/build/codec" "$source/tests/golden/bytes.ardm" "$source/tests/golden/prose.txt" >"$scratch/codec"
grep -q "restored 1000 bytes: the same" "$scratch/codec" || { cat "$scratch/codec"; fail "codec did not give the file back"; }

# The plugin: without its path it is unknown, with it it is listed and used; from a folder that anybody may write to it is refused.
quietly cmake -S "$scratch/plugin" -B "$scratch/plugin/build" -DCMAKE_PREFIX_PATH="$prefix"
quietly cmake --build "$scratch/plugin/build"
mkdir -m 755 "$scratch/mine"
cp "$scratch/plugin/build/dna.so" "$scratch/mine"
round_trip=$scratch/outside/build/round_trip
if ARDM_PLUGIN_PATH=$modules "$round_trip" 2>/dev/null; then fail "the round trip passes without the plugin, so it shows nothing"; fi
ARDM_PLUGIN_PATH=$scratch/mine:$modules "$round_trip" || fail "dna files do not come back"
ARDM_PLUGIN_PATH=$scratch/mine "$ardm" plugin list >"$scratch/plugins"
grep -q "^org.example.dna .*$scratch/mine/dna.so" "$scratch/plugins" || { cat "$scratch/plugins"; fail "dna is not listed"; }
grep -q "^modality org.example.dna .*bits/base" "$scratch/plugins" || { cat "$scratch/plugins"; fail "its modality is not listed"; }
[ "$(nm -D --defined-only "$scratch/mine/dna.so" | grep -c ' T ')" = 1 ] || fail "dna.so exports more than its entry"
chmod 777 "$scratch/mine"
ARDM_PLUGIN_PATH=$scratch/mine "$ardm" plugin list >"$scratch/plugins" 2>/dev/null || true
grep -q "refused: anybody may write" "$scratch/plugins" || fail "a folder that anybody may write to was not refused"
echo "installed, found, built against and extended"
