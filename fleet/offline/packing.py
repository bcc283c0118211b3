"""In the office: everything that a ring is told, in one file.

    channel/metadata/, channel/targets/   the office's word, as boxes read it anywhere
    engine/, gateway/, bundle/            each as `skopeo copy` to dir: writes it, signatures with it

That form keeps an image byte by byte, so that its digest is the one which the signed channel names; an OCI layout would
hold Docker's manifests only converted, under other digests. The file needs no signature of its own: the channel has its
signers', the images have podman's, the bundle has its own, and the box believes nothing else of it.
"""

import tarfile
import tempfile
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Final

from base import durable
from base.errors import DiskFull
from base.system_errors import system_error
from fleet.agent import host
from fleet.channels.content import Part
from fleet.channels.publishing import publish
from fleet.stores.folder import FolderStore
from trust.errors import RegistryFailed
from trust.registry.access import RegistryAccess

CHANNEL: Final = "channel"
_PULL_S: Final = 7200.0


def pack(
    office: Path, parts: Iterable[Part], repositories: Mapping[str, str], out: Path, access: RegistryAccess
) -> list[str]:
    """Write the file for the ring of these parts and return the components in it.

    `repositories` are HOST/NAME by component; one that is not named stays out. Raises `RegistryFailed`, `DiskFull`, and
    `SettingInvalid` without skopeo.
    """
    images = {name: image for part in parts for name, image in part.images.items() if repositories.get(name)}
    try:
        with tempfile.TemporaryDirectory(prefix=".sidewall.", suffix=".part", dir=out.absolute().parent) as scratch:
            folder = Path(scratch)
            publish(office, FolderStore(folder / CHANNEL))
            for name, image in images.items():
                _fetch(f"{repositories[name]}@{image.digest}", folder / name, access)
            _write(folder, out)
    except OSError as error:
        raise system_error(error, str(out)) or RegistryFailed(f"{out} cannot be written: {error.strerror}") from error
    return sorted(images)


def _fetch(reference: str, folder: Path, access: RegistryAccess) -> None:
    # Whose images count is the box's to judge; it is asked there again.
    options = ["--src-tls-verify=false"] if access.plain_http else []
    options += [f"--src-authfile={access.auth_file}"] if access.auth_file else []
    command = ["skopeo", "--insecure-policy", "copy", "--quiet", "--preserve-digests", *options]
    ended = host.run([*command, f"docker://{reference}", f"dir:{folder}"], _PULL_S)
    if ended.status != 0:
        full = "no space left" in ended.err.lower()
        raise (
            DiskFull(str(folder), reference)
            if full
            else RegistryFailed(f"{reference} cannot be pulled: {ended.complaint}")
        )


def _write(folder: Path, out: Path) -> None:
    aside = folder / "packed.tar"
    with tarfile.open(aside, "w") as tar:
        for file in sorted(each for each in folder.rglob("*") if each.is_file() and each != aside):
            tar.add(file, file.relative_to(folder).as_posix(), filter=_anonymous)
    durable.place(aside, out)


def _anonymous(info: tarfile.TarInfo) -> tarfile.TarInfo:
    info.uid = info.gid = 0
    info.uname = info.gname = ""
    info.mtime, info.mode = 0, 0o644
    return info
