#!/bin/sh
# Print the full commit that is live: ./live.sh ENVIRONMENT
set -eu

case $1 in '' | *[!a-z0-9-]*) echo "no such environment: $1" >&2; exit 2 ;; esac
cd "$(dirname "$0")"
basename "$(readlink "../site/$1/current")"
