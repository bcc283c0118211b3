#!/bin/sh
# Pack what a box without a network needs into one file: image, model bundle, units, installer, checksums.
#   docker/offline.sh BUNDLE OUT.tar [IMAGE ...]
# Needs podman, the image of `make images`, and the other images that are to go with it, such as those of docker/monitoring. The
# gateway's goes with it where it is built (`make images IMAGES="runtime gateway"`).
set -eu
cd "$(dirname "$0")/.."
bundle="$1"
out="$2"
shift 2
version="$(sed -n 's/^__version__ = "\(.*\)"$/\1/p' base/__init__.py)"
folder="$(mktemp -d)"
trap 'rm -rf "$folder"' EXIT
mkdir -p "$folder/bundle" "$(dirname "$out")"
podman save --quiet --format docker-archive --output "$folder/sidewall-runtime.tar" "localhost/sidewall-runtime:$version"
gateway="localhost/sidewall-gateway:$version"
if podman image exists "$gateway"; then
    set -- "$gateway" "$@"
else
    echo "without the gateway: $gateway is not built" >&2
fi
for image in "$@"; do
    mkdir -p "$folder/images"
    file="$(echo "$image" | tr -c 'A-Za-z0-9.\n-' '_')"
    podman save --quiet --format docker-archive --output "$folder/images/$file.tar" "$image"
done
cp -R "$bundle/." "$folder/bundle"
cp -R docker/quadlet docker/monitoring docker/gpu docker/gateway docker/compose.yaml docker/compose.gpu.yaml docker/compose.gateway.yaml \
    docker/compose.gateway-tls.yaml docker/install.sh docker/generated-units.sh LICENSE "$folder"
cp docs/operator.md docs/settings.md docs/sidewall.toml docs/metrics.md docs/gateway.md SECURITY.md "$folder"
sums="$(cd "$folder" && find . -type f | LC_ALL=C sort | xargs sha256sum)"
echo "$sums" > "$folder/SHA256SUMS"
tar --create --sort=name --owner=0 --group=0 --numeric-owner --mtime=@0 --file "$out" --directory "$folder" .
echo "$out"
