#!/bin/sh
# Print who deployed last, and when: ../last.sh ENVIRONMENT. Here that is the user of this machine whom it ran as.
set -eu

case $1 in '' | *[!a-z0-9-]*) echo "no such environment: $1" >&2; exit 2 ;; esac
cd "$(dirname "$0")"
LC_ALL=C TZ=UTC ls -ld "site/$1/current" | awk '{ print $3 " at " $6 " " $7 " " $8 " UTC" }'
