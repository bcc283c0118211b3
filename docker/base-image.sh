#!/bin/sh
# Make the base image that the Dockerfiles name from Debian's own packages, where no image registry can be reached.
# Needs root, mmdebstrap and podman. Does nothing when the image is there.
set -eu
image=docker.io/library/debian:bookworm-slim
podman image exists "$image" && exit 0
podman pull --quiet "$image" 2>/dev/null && exit 0
folder="$(mktemp -d)"
trap 'rm -rf "$folder"' EXIT
sources=/etc/apt/sources.list.d/debian.sources
[ -f "$sources" ] || sources=/etc/apt/sources.list
mmdebstrap --quiet --variant=minbase bookworm "$folder/base.tar" < "$sources"
podman import --quiet "$folder/base.tar" "$image"
