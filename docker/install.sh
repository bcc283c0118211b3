#!/bin/sh
# Install from the unpacked file of `make offline-bundle`, as root, without a network: docs/operator.md.
#   ./install.sh
# A second run with a newer file updates; the bundle that was there stays beside the new one, and a unit that differs, which holds
# the settings of the site, is kept: the new one is put beside it as NAME.new.
# DESTDIR is put before every path that is written; the image goes into podman's store.
set -eu
cd "$(dirname "$0")"
home="${DESTDIR:-}/srv/sidewall"
units="${DESTDIR:-}/etc/containers/systemd"

command -v podman >/dev/null || { echo "podman is not installed: install it, 4.7 or newer" >&2; exit 1; }
version="$(podman version --format '{{.Client.Version}}')"
major="${version%%.*}"
minor="${version#*.}"
if [ "$((major * 1000 + ${minor%%.*}))" -lt 4007 ]; then
    echo "podman is $version, too old for the units: 4.7 or newer is needed; nothing was changed" >&2
    exit 1
fi
sha256sum --check --quiet --strict SHA256SUMS || { echo "the file is damaged: copy it again; nothing was changed" >&2; exit 1; }

podman load --quiet --input sidewall-runtime.tar
# By what it holds, so that an old bundle is still there to go back to.
digest="$(sha256sum bundle/manifest.json | cut -c 1-12)"
target="$home/bundles/$digest"
if [ ! -d "$target" ]; then
    mkdir -p "$home/bundles"
    cp -R bundle "$target.part"
    chmod -R u=rwX,go=rX "$target.part"
    mv "$target.part" "$target"
fi
ln -sfn "bundles/$digest" "$home/bundle"
mkdir -p "$units"
for unit in quadlet/*; do
    target="$units/${unit##*/}"
    if [ -f "$target" ] && ! cmp -s "$unit" "$target"; then
        cp "$unit" "$target.new"
        echo "$target is kept as it is; the new one is $target.new: take over what changed, Image= above all"
    else
        cp "$unit" "$target"
        rm -f "$target.new"
    fi
done
if [ -z "${DESTDIR:-}" ] && [ -d /run/systemd/system ]; then systemctl daemon-reload; fi
echo "installed; start with: systemctl start sidewall"
