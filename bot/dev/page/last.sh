#!/bin/sh
# Print who deployed last, and when: ../last.sh ENVIRONMENT. Here that is the user of this machine whom it ran as.
set -eu

case $1 in '' | *[!a-z0-9-]*) echo "no such environment: $1" >&2; exit 2 ;; esac
cd "$(dirname "$0")"
TZ=UTC stat -c '%U at %.16y UTC' "site/$1/current"
