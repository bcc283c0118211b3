#!/bin/sh
# Build one image from its Dockerfile: `docker/build.sh runtime` gives localhost/sidewall-runtime:VERSION.
#
# One commit gives one digest: every time in the image is that of the commit, and what the build makes up (stages in the history,
# the container) is left out.
# IMAGE_OPTIONS are further options of `buildah build`, split at spaces; docker/README.md has examples.
set -eu
cd "$(dirname "$0")/.."
name="$1"
version="$(sed -n 's/^__version__ = "\(.*\)"$/\1/p' base/__init__.py)"
revision="$(git rev-parse HEAD 2>/dev/null || echo unknown)"
[ -z "$(git status --porcelain --untracked-files=no 2>/dev/null)" ] || revision="$revision-modified"
time_s="$(git log -1 --format=%ct 2>/dev/null || echo 315532800)"

image="localhost/sidewall-$name:$version"
work="$(mktemp -d)"
trap 'rm -rf "$work"' EXIT

for tool in buildah podman; do
    command -v "$tool" >/dev/null && break
done
# shellcheck disable=SC2086 # IMAGE_OPTIONS are several words.
"$tool" build --format docker --layers --timestamp "$time_s" \
    --build-arg "VERSION=$version" --build-arg "REVISION=$revision" --build-arg "SOURCE_DATE_EPOCH=$time_s" \
    --tag "$image" --file "docker/$name.Dockerfile" ${IMAGE_OPTIONS:-} .
"$tool" push --quiet "$image" "docker-archive:$work/built.tar:$image"
python3 docker/canonical.py "$work/built.tar" "$work/canonical.tar"
rm "$work/built.tar"
# Clutter, whose name goes to what follows; a build that was broken off may hold it.
"$tool" rmi "$image" >/dev/null 2>&1 || true
"$tool" pull --quiet "docker-archive:$work/canonical.tar"
