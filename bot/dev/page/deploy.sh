#!/bin/sh
# Put a commit live: ./deploy.sh ENVIRONMENT COMMIT. Safe to run again; visitors see the old release or the new one.
set -eu

environment=$1 commit=$2
case $environment in '' | *[!a-z0-9-]*) echo "no such environment: $environment" >&2; exit 2 ;; esac
case $commit in '' | *[!0-9a-f]*) echo "not a full commit: $commit" >&2; exit 2 ;; esac

cd "$(dirname "$0")"
releases=../site/releases
release=$releases/$commit
making=$releases/.$commit.$$
linking=../site/$environment/.current.$$
trap 'rm -rf "$making" "$linking"' EXIT

# A rename into a folder is one step everywhere; it replaces a link, and follows it nowhere.
mkdir -p "$linking" "$making"
if [ ! -d "$release" ]; then
    mkdir "$making/$commit"
    git archive --output="$making/tar" "$commit" index.html style.css
    tar -xf "$making/tar" -C "$making/$commit"
    # Another environment may have made the same release meanwhile: then theirs is as good.
    mv -f "$making/$commit" "$releases/" 2>/dev/null || [ -d "$release" ]
fi

ln -s "../releases/$commit" "$linking/current"
mv -f "$linking/current" "../site/$environment/"
echo "$environment now serves $(git describe --tags --always "$commit")"
