#!/usr/bin/env bash
# Copyright 2026 The Semel Authors. SPDX-License-Identifier: Apache-2.0
#
# Makes the archive of the format that a build tree writes, which must not be there yet: once a format is released, its
# archive stays as it is.
#
#   tests/golden/make_golden.sh BUILD_DIR
set -euo pipefail

golden=$(cd "$(dirname "$0")" && pwd)
tool=$1/tests/make_golden
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

"$tool" "$work"
format=$(sed -n 's/^format: //p' "$work/ledger/MANIFEST")
archive=$golden/format_$format.tar.gz
if [ -e "$archive" ]; then
  echo "$archive exists; remove it if this format was never released" >&2
  exit 1
fi
# The same bytes each time: names in order, no times, nobody's name.
python3 - "$work" "$archive" <<'PYTHON'
import gzip
import pathlib
import sys
import tarfile

work, archive = pathlib.Path(sys.argv[1]), sys.argv[2]
with open(archive, "wb") as out, gzip.GzipFile(fileobj=out, mode="wb", filename="", mtime=0) as packed:
    with tarfile.open(fileobj=packed, mode="w", format=tarfile.USTAR_FORMAT) as tar:
        for path in sorted(work.rglob("*")):
            member = tarfile.TarInfo(str(path.relative_to(work)) + ("/" if path.is_dir() else ""))
            member.type = tarfile.DIRTYPE if path.is_dir() else tarfile.REGTYPE
            member.mode = 0o700 if path.is_dir() else 0o600
            member.size = 0 if path.is_dir() else path.stat().st_size
            with path.open("rb") if path.is_file() else open("/dev/null", "rb") as content:
                tar.addfile(member, content)
PYTHON
ls -l "$archive"
