#!/bin/sh
# Succeed when what is live works: ../health.sh ENVIRONMENT. Here that is: the page is there and says its version.
set -eu

case $1 in '' | *[!a-z0-9-]*) echo "no such environment: $1" >&2; exit 2 ;; esac
cd "$(dirname "$0")"
grep -q 'class="version"' "site/$1/current/index.html" || { echo "the page of $1 is broken" >&2; exit 1; }
echo "the page of $1 is fine"
