#!/bin/sh
# Makes "configure" from configure.ac; needed only in a checkout, not in a release.
set -e
cd "$(dirname "$0")"
if ! command -v autoreconf >/dev/null; then
  echo 'could not find "autoreconf": on Debian, apt-get install autoconf automake pkg-config' >&2
  exit 1
fi
exec autoreconf --install --force
