#!/usr/bin/env bash
# install.sh BUILD SOURCE: installs the build into a scratch folder, then builds and runs a project outside the tree against it.
set -euo pipefail
build=$1 source=$2
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
cmake --install "$build" --prefix "$scratch/installed" >"$scratch/log" 2>&1 || { tail -5 "$scratch/log"; exit 1; }
cp -r "$source" "$scratch/outside"
cmake -S "$scratch/outside" -B "$scratch/build" -DCMAKE_PREFIX_PATH="$scratch/installed" >"$scratch/log" 2>&1 || { cat "$scratch/log"; exit 1; }
cmake --build "$scratch/build" >"$scratch/log" 2>&1 || { cat "$scratch/log"; exit 1; }
"$scratch/build/outside"
# Without the installed package the same project must not configure.
if cmake -S "$scratch/outside" -B "$scratch/bare" -DCMAKE_DISABLE_FIND_PACKAGE_ardm=ON >"$scratch/log" 2>&1; then
  echo "the project configures without the package, so this test shows nothing"
  exit 1
fi
