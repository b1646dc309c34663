#!/bin/sh
# Say how the checks of a commit stand: ../ci.sh COMMIT. Here the only check is that the page says its version.
set -eu

case $1 in '' | *[!0-9a-f]*) echo "unknown: not a full commit"; exit 0 ;; esac
cd "$(dirname "$0")/shop"
if git show "$1:index.html" | grep -q 'class="version"'; then echo passed; else echo "failed: the page has no version"; fi
