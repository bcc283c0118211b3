#!/bin/sh
# Write the unit of one box for a podman of 4.3 to 4.6, which does not read docker/quadlet (Debian 12 has 4.3): as root,
#   docker/generated-units.sh [FILE.container] [OPTION OF PODMAN ...]
# writes /etc/systemd/system/sidewall.service. FILE is docker/quadlet/sidewall.container unless another is named; its image must be there.
# What that file would say more is given as options, such as --env=SIDEWALL_MODE=fast: the same ones after an update. One that publishes
# a port of the container, mounts something at a path, sets a variable or names a network takes the place of the file's own; with
# --env=SIDEWALL_BUNDLE=... the folder of the bundle is not mounted. IMAGE names another image, UNITS another folder for the unit.
# A unit that is there is replaced by one that is whole and was checked, or stays as it is.
set -eu
umask 022
here="$(cd "$(dirname "$0")" && pwd)"
file="$here/quadlet/sidewall.container"
case "${1:-}" in
    *.container)
        file="$(cd "$(dirname "$1")" && pwd)/${1##*/}"
        shift
        ;;
esac
units="${UNITS:-/etc/systemd/system}"

of_file() { sed -n "s/^$2=//p" "$1"; }
of_unit() { of_file "$file" "$1"; }
# The lines of one section, without comments.
section() { sed -n "/^\[$1\]/,/^\[/{/^\[/d;/^#/d;/^\$/d;p;}" "$file"; }
# What a volume or network of the folder of the unit, or of the box's, is called.
beside() { if [ -f "$(dirname "$file")/$1" ]; then echo "$(dirname "$file")/$1"; else echo "$here/quadlet/$1"; fi; }

name="$(of_unit ContainerName)"
image="${IMAGE:-$(of_unit Image)}"
stop_timeout="$(of_unit PodmanArgs | sed -n 's/.*--stop-timeout=\([0-9]*\).*/\1/p')"

case "$image" in
    localhost/*) podman image exists "$image" || { echo "the image $image is not there; no unit was written" >&2; exit 1; } ;;
esac

# What the given options decide, one a line: "publish 50051", "volume /bundle", "env SIDEWALL_MODE", "network".
decided() {
    before=""
    for option in "$@"; do
        case "$option" in
            --publish=* | --volume=* | --env=* | --network=* | --net=*) echo "${option%%=*} ${option#*=}" ;;
            -p?* | -v?* | -e?*) echo "$(echo "$option" | cut -c 1-2) $(echo "$option" | cut -c 3-)" ;;
        esac
        case "$before" in
            --publish | --volume | --env | --network | --net | -p | -v | -e) echo "$before $option" ;;
        esac
        before="$option"
    done | sed -n -e 's/^\(--publish\|-p\) \(.*:\)\{0,1\}\([0-9]*\)\(\/tcp\)\{0,1\}$/publish \3/p' \
        -e 's/^\(--volume\|-v\) [^:]*:\([^:]*\).*$/volume \2/p' -e 's/^\(--env\|-e\) \([^=]*\).*$/env \2/p' -e 's/^--net.*/network/p'
}
given="$(decided "$@")"
is_given() { echo "$given" | grep --line-regexp --fixed-strings --quiet -e "$1"; }

for volume in $(of_unit Volume); do
    at="$(echo "$volume" | cut -d : -f 2)"
    if is_given "volume $at"; then continue; fi
    if [ "$at" = /bundle ] && is_given "env SIDEWALL_BUNDLE"; then continue; fi
    source="${volume%%:*}"
    case "$source" in
        *.volume)
            made="$(beside "$source")"
            source="$(of_file "$made" VolumeName)"
            podman volume exists "$source" \
                || podman volume create "--opt=o=uid=$(of_file "$made" User),gid=$(of_file "$made" Group)" "$source" >/dev/null
            ;;
    esac
    set -- "--volume=$source:${volume#*:}" "$@"
done
if ! is_given network; then
    network="$(of_file "$(beside "$(of_unit Network)")" NetworkName)"
    podman network exists "$network" || podman network create "$network" >/dev/null
    set -- "--network=$network" "$@"
fi
for port in $(of_unit PublishPort); do
    is_given "publish ${port##*:}" || set -- "--publish=$port" "$@"
done
for variable in $(of_unit Environment); do
    is_given "env ${variable%%=*}" || set -- "--env=$variable" "$@"
done
for option in $(of_unit PodmanArgs); do set -- "$option" "$@"; done
# systemd counts the start as done once the container says so.
[ "$(of_unit Notify)" != true ] || set -- --sdnotify=container "$@"
set -- --read-only --cap-drop=all --security-opt=no-new-privileges "--user=$(of_unit User):$(of_unit Group)" \
    "--log-driver=$(of_unit LogDriver)" "$@"

work="$(mktemp -d)"
# Podman only reads from this container how to run one. By its own name it would take the place of the one that runs.
pattern="$name-pattern"
trap 'rm -rf "$work" "$units/.$name.service.part"; podman rm --force "$pattern" >/dev/null' EXIT
# shellcheck disable=SC2046 # The command is several words.
podman create --replace --name="$pattern" "$@" "$image" $(of_unit Exec) >/dev/null
podman generate systemd --new --name --restart-policy=on-failure ${stop_timeout:+"--stop-timeout=$stop_timeout"} "$pattern" \
    > "$work/generated"

# The times and the rules of restarting are those of the file. systemd before 254 knows one delay alone.
service="$(section Service)"
systemd="$(systemctl --version 2>/dev/null | sed -n '1s/^systemd \([0-9]*\).*/\1/p')"
if [ "${systemd:-0}" -lt 254 ]; then
    service="$(echo "$service" | sed -e '/^RestartSteps=/d' -e '/^RestartMaxDelaySec=/d' -e 's/^RestartSec=.*/RestartSec=30/')"
fi
# Without version and date, so that what is the same looks the same.
UNIT="$(section Unit)" SERVICE="$service" awk '
    /^# autogenerated/ { getline; next }
    /^(Description|Restart|RestartSec|TimeoutStartSec|TimeoutStopSec)=/ { next }
    { print }
    /^\[Unit\]/ { print ENVIRON["UNIT"] }
    /^\[Service\]/ { print ENVIRON["SERVICE"] }
' "$work/generated" | sed -e "s/container-$pattern/$name/g" -e "s/$pattern/$name/g" > "$work/unit"

for line in "\[Unit\]" "\[Service\]" "ExecStart=" "ExecStop=" "Restart=on-failure" "TimeoutStopSec="; do
    if ! grep --quiet "^$line" "$work/unit"; then
        echo "podman gave a unit without $line; $units/$name.service is left as it is" >&2
        exit 1
    fi
done
if ! grep --quiet --fixed-strings -e "$image" "$work/unit"; then
    echo "podman gave a unit without $image; $units/$name.service is left as it is" >&2
    exit 1
fi
mkdir -p "$units"
install -m 644 "$work/unit" "$units/.$name.service.part"
mv -f "$units/.$name.service.part" "$units/$name.service"
echo "$units/$name.service"
