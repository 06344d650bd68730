#!/usr/bin/env bash
# Copyright 2026 The Semel Authors. SPDX-License-Identifier: Apache-2.0
#
# Shows Semel on real bank transactions, in a few minutes: shuffled, delivered twice, killed half-way - and every
# balance exact. Works on a bare Debian 12: as root (or with sudo) it installs what is missing.
#
#   ./quickstart.sh                   install, build, show
#   ./quickstart.sh --no-install      never calls apt
#   ./quickstart.sh --build-dir DIR   shows the command built in DIR; neither installs nor builds
#   ./quickstart.sh --work-dir DIR    where the ledgers are made (default build/quickstart)
set -euo pipefail
cd "$(dirname "$0")"

install=yes
build=build/release
work=build/quickstart
prebuilt=no
while [ $# -gt 0 ]; do
  case $1 in
    --no-install) install=no ;;
    --build-dir) build=${2:?--build-dir needs a directory} prebuilt=yes; shift ;;
    --work-dir) work=${2:?--work-dir needs a directory}; shift ;;
    *) sed -n '4,10s/^# \{0,1\}//p' "$0"; exit 2 ;;
  esac
  shift
done

if [ $prebuilt = no ]; then
  [ $install = no ] || scripts/install_packages.sh build
  echo "== Building a release (build/release)"
  mkdir -p build
  cmake --preset release -DSEMEL_BUILD_TESTS=OFF -DSEMEL_BUILD_BENCH=OFF -DSEMEL_BUILD_EXAMPLES=OFF >build/release.log
  cmake --build --preset release --parallel "$(nproc)" --target semel_cli
fi
semel=$(realpath "$build/bin/semel")
data=examples/bank/data/pkdd99_transactions.csv
rows=$(($(wc -l <$data) - 1))
mkdir -p "$work"
rm -rf "$work"/{transfers,versions,balances}{,.jsonl} "$work"/run{1,2,3}{,.log} "$work/expected.csv"
bank() { local tool=$1; shift; python3 -B "examples/bank/$tool.py" "$@"; }

cat <<TEXT

== The data: $rows real transactions of a Czech bank (PKDD'99 Discovery Challenge), 591 accounts

== (a) Each transaction as a transfer: creates tx/<id>, moves money between the account and the bank
   Shuffled within 500 places; one in five is delivered twice.
TEXT
bank convert $data --as transfer --shuffle-window 500 --redeliver 20 --seed 7 --expected "$work/expected.csv" \
  >"$work/transfers.jsonl"
echo "   Run 1 is killed with SIGKILL part way:"
"$semel" init "$work/transfers" >/dev/null
bank apply_and_kill --semel "$semel" "$work/transfers" "$work/transfers.jsonl" "$work/run1"
echo "   Run 2 starts again from the first message, as a broker would; run 3 delivers everything once more:"
for run in 2 3; do
  "$semel" apply "$work/transfers" "$work/transfers.jsonl" --outcomes "$work/run$run" >"$work/run$run.log" 2>&1 ||
    { cat "$work/run$run.log"; exit 1; }
done
echo
echo "   What each message became:"
bank check "$work/transfers" --semel "$semel" --expected "$work/expected.csv" --once "$work/transfers.jsonl" \
  --run "run 1, killed=$work/run1" --run "run 2=$work/run2" --run "run 3=$work/run3"
echo
echo "   semel verify:"
"$semel" verify "$work/transfers" | sed 's/^/  /'

cat <<TEXT

== (b) Each transaction with the version of its account, as an upstream assigns it
   Shuffled within 200 places; one in five twice. What comes before its turn is EARLY, and delivered again.
TEXT
bank convert $data --as version --shuffle-window 200 --redeliver 20 --seed 7 >"$work/versions.jsonl"
"$semel" init "$work/versions" >/dev/null
bank redeliver "$work/versions" "$work/versions.jsonl" --semel "$semel" --again EARLY
bank check "$work/versions" --semel "$semel" --expected "$work/expected.csv"

cat <<TEXT

== (c) Each transaction with the balance that the bank printed before it
   In the bank's order; one in five twice. The order within a day is not given, so what finds another balance is
   delivered again: perhaps its turn comes. But the bank rounds some interest and prints some balances that its own
   amounts do not give. There an account's chain breaks, and every later row of it finds another balance too.
   Those go back to their owner, who looks at the balance that is there and decides again, under the same id.
TEXT
bank convert $data --as balance --redeliver 20 --seed 7 >"$work/balances.jsonl"
"$semel" init "$work/balances" >/dev/null
bank redeliver "$work/balances" "$work/balances.jsonl" --semel "$semel" --again CONFLICT --decide-again
bank check "$work/balances" --semel "$semel" --expected "$work/expected.csv"

cat <<TEXT

== Done. Look around:
   $semel list $work/transfers --prefix account/
   $semel history $work/transfers account/2378

   $rows transactions, shuffled, redelivered, killed, resumed and applied again in full:
   all balances are exact, and nothing was applied twice.
TEXT
