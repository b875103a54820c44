#!/usr/bin/env bash
# mutate.sh SOURCE BUILD: breaks a copy of the sources in the ways that are easy to get wrong, one at a time; a test must notice each.
# BUILD is a folder of its own. A mutation that no longer applies, or does not build, is an error too.
set -uo pipefail
source=$(cd "$1" && pwd) folder=$2
jobs=$(nproc)

if [ -d "$folder" ] && [ -n "$(ls -A "$folder" | grep -vxE 'source|build')" ]; then
  echo "$folder holds other files; name a folder of its own"
  exit 1
fi
rm -rf "$folder" # an object of a former mutation must not survive
mkdir -p "$folder/source"
folder=$(cd "$folder" && pwd)
export XDG_CACHE_HOME=$folder/build/cache CK_FORK=no CK_DEFAULT_TIMEOUT=0
unset ARDM_DEVICE ARDM_CACHE ARDM_PLUGIN_PATH
tar -C "$source" --exclude=./.git --exclude='./build*' -cf - . | tar -C "$folder/source" -xf - || exit 1
mkdir -p "$folder/build/cache"
cmake -S "$folder/source" -B "$folder/build" -DCMAKE_BUILD_TYPE=Release >"$folder/build/log" 2>&1 || { tail -20 "$folder/build/log"; exit 1; }

build() { cmake --build "$folder/build" -j "$jobs" --target "$@" >"$folder/build/log" 2>&1; }

# The programs that notice: toy CASE, host, op NAME.
run() {
  case $1 in
  toy) CK_RUN_CASE=$2 timeout 600 "$folder/build/tests/toy/toy" ;;
  host) CK_FORK=yes CK_RUN_SUITE=$2 timeout 600 "$folder/build/tests/method/method_host" ;;
  op) timeout 600 "$folder/build/tests/ops/test_ops" --only "$2" ;;
  esac >"$folder/build/out" 2>&1
}
target() { case $1 in toy) echo toy ;; host) echo method_host ;; op) echo test_ops ;; esac; }

# Before and after all mutations the tests must pass, or a kill proves nothing.
unharmed() {
  local part
  build toy method_host test_ops || { tail -30 "$folder/build/log"; exit 1; }
  for part in "toy enumeration" "toy forms" "toy given" "toy blocks" "toy production" "toy average" "toy sampling" "toy turns" "host order" "host schedule" "host frequency" "op frequency"; do
    # shellcheck disable=SC2086
    run $part || { echo "$part fails without any mutation"; tail -20 "$folder/build/out"; exit 1; }
    ! grep -q "Checks: 0" "$folder/build/out" || { echo "$part runs no test"; exit 1; }
  done
}
unharmed

total=0 killed=0
# mutation NAME FILE SED PROGRAM PART: sed must change the file.
mutation() {
  local name=$1 file=$folder/source/$2 script=$3
  total=$((total + 1))
  cp "$file" "$folder/build/whole"
  sed -i -E "$script" "$file"
  if cmp -s "$file" "$folder/build/whole"; then
    echo "stale: $name: nothing to change in $2"
  elif ! build "$(target "$4")"; then
    echo "stale: $name does not build"
    grep -m3 error "$folder/build/log"
  elif run "$4" "$5"; then
    echo "SURVIVED: $name ($4 $5)"
  elif [ $? -eq 124 ]; then
    echo "no answer in time: $name ($4 $5)" # a busy machine, or a loop; neither is a red test
  else
    echo "killed: $name ($4 $5)"
    killed=$((killed + 1))
  fi
  cp "$folder/build/whole" "$file" # a new time, so that it is built again
}

mutation "weight N/(N-n+1)" method/example.c 's@/ remaining \+ auxiliary@/ (remaining + 1) + auxiliary@' toy production
mutation "rank read as a position list" method/order.c 's@place\[b\[i\]\.unit\] = \(int32_t\)start.*@place[i] = (int32_t)b[i].unit;@' host order
mutation "rank read as a position list, in levels" method/order.c \
  's@place\[b\[i\]\.unit\] = \(int32_t\)start.*@place[i] = (int32_t)b[i].unit;@' toy forms
mutation "stage off by one, in training" method/example.c 's@e->stage = \(int32_t\)stage;@e->stage = stage ? (int32_t)stage - 1 : 0;@' toy production
mutation "stage off by one, in a walk" method/walk.c \
  's@w->io\.stage\[i\] = \(int32_t\)c->stage;@w->io.stage[i] = c->stage ? (int32_t)c->stage - 1 : 0;@' toy given
mutation "stage off by one, in a digit" method/process.c \
  's@x % p->width\[stage\] / p->width\[stage \+ 1\]\)@x / p->width[stage + 1] % p->base * (stage > 0))@' toy forms
mutation "loss over all cells" method/example.c 's@remaining > 0 && \(causal \|\| l == e->level\)@remaining > 0@' toy production
mutation "empty schedule steps" method/schedule.c 's@if \(n && p == last\) continue;@@' host schedule
mutation "tie rule of the largest, reference" ops/frequency/row.c 's@if \(key > best\)@if (key >= best)@' host frequency
mutation "tie rule of the largest, reference against kernels" ops/frequency/row.c 's@if \(key > best\)@if (key >= best)@' op frequency
mutation "tie rule of the largest, kernels" ops/frequency/frequency.cl 's@a = key > best \? j : a@a = key >= best ? j : a@' op frequency
mutation "tie rule of a work-group" ops/frequency/frequency.cl 's@place < places\[lid\]\)@place > places[lid])@' op frequency
mutation "remainder to the last symbol, reference" ops/frequency/row.c \
  's@f\[a\] \+= ARDM_FREQUENCY_TOTAL@f[n - 1] += ARDM_FREQUENCY_TOTAL@' host frequency
mutation "remainder to the last symbol, kernels" ops/frequency/frequency.cl \
  's@y\[a\] \+= \(1u << 24\) - sum@y[n - 1] += (1u << 24) - sum@' op frequency
mutation "coder forward" method/rans.c 's@for \(size_t i = n; i-- > 0;\)@for (size_t i = 0; i < n; i++)@' toy forms
mutation "blocks: only the drawn cell is trained" method/example.c 's@\(causal \|\| l == e->level\)@(l == e->level)@' toy blocks
mutation "blocks: a level weighed by all cells" method/example.c 's@causal \? \(double\)e->counts\[l\] : pairs@pairs@' toy blocks
mutation "blocks: the drawn length not told" method/walk.c 's@= \(int32_t\)w->block;@= 0;@' toy forms
mutation "blocks: levels know what the first one does" method/walk.c \
  's@steps = ardm_schedule_steps\(x->schedule, l, &n\);@steps = ardm_schedule_steps(x->schedule, 0, \&n);@' toy forms
mutation "given units clamped stage by stage, reference" ops/corrupt/corrupt.c 's@k = state\[i\] < 2 \? state\[i\] : 2@k = state[i] > 0@' toy given
mutation "given units clamped stage by stage, kernels" ops/corrupt/corrupt.cl 's@seen == 1 \? after : 1@seen >= 1 ? after : 1@' toy given
mutation "given units shown as decided" method/order.c 's@ARDM_PLACE_VOID \? ARDM_VOID : ARDM_GIVEN;@ARDM_PLACE_VOID ? ARDM_VOID : ARDM_DECIDED;@' toy given
mutation "given units counted and coded" method/order.c 's@state == ARDM_VOID \|\| state == ARDM_GIVEN@state == ARDM_VOID@' toy given
mutation "temperature multiplies" method/sampler.c 's@ardm_reciprocal\(\(float\)s->temperature\)@(float)s->temperature@' toy sampling
mutation "a kept stage too many" method/walk.c 's@calls\[first\]\.stage < stage\) first@calls[first].stage <= stage) first@' toy sampling
mutation "a unit shown before its call" method/walk.c 's@place < first \+ count && last@place <= first + count \&\& last@' toy sampling
mutation "turns draw alike" method/walk.c 's@4 \* \(c->stage \* w->turns \+ c->turn\)@4 * c->stage@' toy turns
mutation "a pixel given in part is taken as given" method/order.c 's@for \(uint32_t i = 0; i < parts; i\+\+\)$@for (uint32_t i = 0; i < 1; i++)@' toy turns
mutation "every turn asks the first digit" method/session.c 's@ardm_process_digit\(session->digits, turn,@ardm_process_digit(session->digits, 0,@' toy turns
mutation "confidence: ties to the last unit" method/confidence.c \
  's@return x->unit < y->unit \? -1 : x->unit > y->unit@return x->unit > y->unit ? -1 : x->unit < y->unit@' toy sampling
mutation "confidence: the margin is the largest" method/confidence.c 's@best - next : sum@best : sum@' toy sampling
mutation "confidence: the most entropy first" method/confidence.c 's@sum \+= f\[j\]@sum -= f[j]@' toy sampling
mutation "confidence: the order keeps its places" method/walk.c 's@x->place\[u\] = \(int32_t\)next;@@' toy sampling
mutation "one call of absorbing diffusion too few" method/diffusion.c 's@uint32_t k = 0; k < steps@uint32_t k = 1; k < steps@' toy enumeration
mutation "raw weights in the model" method/export.c '/^static ardm_status put_weights/,/^}/ s@"%s\.average", name@"%s", name@' toy average
mutation "raw weights in held-out bounds" method/trainer.c 's@t->store, "\.average", &description@t->store, NULL, \&description@' toy average

unharmed
echo "$killed of $total mutations killed"
[ "$killed" -eq "$total" ]
