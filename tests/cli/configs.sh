#!/usr/bin/env bash
# The configs of the comparisons: each is planned, and an ablation differs from its base in a line, or two where one asks for the other.
set -u
ardm=$1 configs=$2
failed=0
for config in "$configs"/results/*.ini "$configs"/ablation/*.ini; do
  if said=$("$ardm" plan "$config" --device reference 2>&1) && grep -q "^train .* GFLOP" <<< "$said"; then
    echo "ok: $(basename "$config")"
  else
    echo "FAILED: $config: $said"
    failed=1
  fi
done
for config in "$configs"/ablation/*-*.ini; do
  name=$(basename "$config" .ini)
  lines=$(diff <(sed 1d "$configs/ablation/${name%%-*}.ini") <(sed 1d "$config") | grep -c '^>')
  if [ "$lines" = 1 ] || { [ "$lines" = 2 ] && [[ $name = image-cdf-* || $name = text-blocks-* ]]; }; then
    echo "ok: $name differs in $lines"
  else
    echo "FAILED: $name differs from its base in $lines lines"
    failed=1
  fi
done
exit $failed
