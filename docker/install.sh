#!/bin/sh
# Install from the unpacked file of `make offline-bundle`, as root, without a network: docs/operator.md.
#   ./install.sh
# A second run with a newer file updates; the bundle that was there stays beside the new one, and a unit that differs, which holds
# the settings of the site, is kept: the new one is put beside it as NAME.new.
# DESTDIR is put before every path that is written; the image goes into podman's store.
set -eu
# Of what is written here every user may read all: the one in the container has to.
umask 022
cd "$(dirname "$0")"
home="${DESTDIR:-}/srv/sidewall"

command -v podman >/dev/null || { echo "podman is not installed: install it, 4.3 or newer" >&2; exit 1; }
version="$(podman version --format '{{.Client.Version}}')"
major="${version%%.*}"
minor="${version#*.}"
number="$((major * 1000 + ${minor%%.*}))"
if [ "$number" -lt 4003 ]; then
    echo "podman is $version, too old: 4.3 or newer is needed; nothing was changed" >&2
    exit 1
fi
sha256sum --check --quiet --strict SHA256SUMS || { echo "the file is damaged: copy it again; nothing was changed" >&2; exit 1; }
foreign="$(find . ! -type d ! -path ./SHA256SUMS | grep --line-regexp --fixed-strings --invert-match -e "$(cut -c 67- SHA256SUMS)" || true)"
if [ -n "$foreign" ]; then
    echo "$foreign"
    echo "the files above do not belong to this one: unpack it into an empty folder; nothing was changed" >&2
    exit 1
fi

if [ -e "$home/bundle" ] && [ ! -L "$home/bundle" ]; then
    echo "$home/bundle is no link: move it to $home/bundles; nothing was changed" >&2
    exit 1
fi

podman load --quiet --input sidewall-runtime.tar
for image in images/*.tar; do
    [ ! -f "$image" ] || podman load --quiet --input "$image"
done
# By what it holds, so that an old bundle is still there to go back to.
digest="$(sha256sum bundle/manifest.json | cut -c 1-12)"
target="$home/bundles/$digest"
# Its name is that of the manifest alone: every file, the signature too, is compared, and nothing else may lie there.
differing="$(diff --recursive --brief --no-dereference bundle "$target" 2>&1 || true)"
if [ -n "$differing" ]; then
    if [ -e "$target" ]; then
        echo "$differing"
        echo "$target differs from this file as said above and is replaced; a running server goes on with what it has read"
    fi
    mkdir -p "$home/bundles"
    rm -rf "$target.part" "$target.damaged"
    cp -R bundle "$target.part"
    [ ! -e "$target" ] || mv "$target" "$target.damaged"
    mv "$target.part" "$target"
    rm -rf "$target.damaged"
fi
chmod -R u=rwX,go=rX "$target"
ln -sfn "bundles/$digest" "$home/bundle"
# Podman reads Quadlet units itself from 4.7 on with all their keys; an older one writes a unit for systemd.
if [ "$number" -ge 4007 ]; then
    made=quadlet
    units="${DESTDIR:-}/etc/containers/systemd"
else
    made="$(mktemp -d)"
    trap 'rm -rf "$made"' EXIT
    UNITS="$made" ./generated-units.sh >/dev/null
    units="${DESTDIR:-}/etc/systemd/system"
fi
mkdir -p "$units"
for unit in "$made"/*; do
    target="$units/${unit##*/}"
    if [ -f "$target" ] && ! cmp -s "$unit" "$target"; then
        install -m 644 "$unit" "$target.new"
        echo "$target is kept as it is; the new one is $target.new: take over what changed, the image above all"
    else
        install -m 644 "$unit" "$target"
        rm -f "$target.new"
    fi
done
if [ -z "${DESTDIR:-}" ] && [ -d /run/systemd/system ]; then
    systemctl daemon-reload
    # What podman reads itself starts with the machine as it is.
    [ "$made" = quadlet ] || systemctl enable --quiet sidewall
fi
echo "installed; start with: systemctl start sidewall"
