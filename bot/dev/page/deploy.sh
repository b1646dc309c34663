#!/bin/sh
# Put a commit live: ./deploy.sh ENVIRONMENT COMMIT. Safe to run again; visitors see the old release or the new one.
set -eu

environment=$1 commit=$2
case $environment in '' | *[!a-z0-9-]*) echo "no such environment: $environment" >&2; exit 2 ;; esac
case $commit in '' | *[!0-9a-f]*) echo "not a full commit: $commit" >&2; exit 2 ;; esac

cd "$(dirname "$0")"
releases=../site/releases
release=$releases/$commit
new=$releases/.$commit.$$
trap 'rm -rf "$new" "$new.tar" "../site/$environment/.current.$$"' EXIT

mkdir -p "$releases" "../site/$environment"
if [ ! -d "$release" ]; then
    mkdir "$new"
    git archive --output="$new.tar" "$commit" index.html style.css
    tar -xf "$new.tar" -C "$new"
    # Another environment may have made the same release meanwhile: then theirs is as good.
    mv -T "$new" "$release" 2>/dev/null || [ -d "$release" ]
fi

# A link is replaced by a rename, so there is no moment without one.
ln -s "../releases/$commit" "../site/$environment/.current.$$"
mv -T "../site/$environment/.current.$$" "../site/$environment/current"
echo "$environment now serves $(git describe --tags --always "$commit")"
