"""`python3 docker/canonical.py BUILT.tar CANONICAL.tar`: an image without what its build made up.

In the format that has HEALTHCHECK, the description of an image holds name and host name of the container that it was
built in. Both are random, mean nothing afterwards, and would give two builds of one commit two digests; so would its
history and its parent, which name the stages of the build. A build without history finds no step of an earlier one, so
that it is taken out here. Both files are docker-archives.
"""

import hashlib
import io
import json
import sys
import tarfile
from typing import Any, Final

_MANIFEST: Final = "manifest.json"
_MADE_UP: Final = frozenset({"container", "container_config", "history", "parent"})


def main() -> None:
    """Write the second file from the first."""
    built, canonical = sys.argv[1:]
    with tarfile.open(built) as source, tarfile.open(canonical, "w") as target:
        rewrite(source, target)


def rewrite(source: tarfile.TarFile, target: tarfile.TarFile) -> None:
    """Copy an archive, its layers as they are."""
    (entry,) = json.loads(_read(source, _MANIFEST))
    config = canonical_config(json.loads(_read(source, entry["Config"])))
    name = hashlib.sha256(config).hexdigest() + ".json"
    left_out = {_MANIFEST, entry["Config"], "repositories"}
    for member in source.getmembers():
        if member.name not in left_out:
            target.addfile(member, source.extractfile(member) if member.isreg() else None)
    _write(target, name, config)
    _write(target, _MANIFEST, _text([{**entry, "Config": name}]))


def canonical_config(config: dict[str, Any]) -> bytes:
    """Return the description of an image without the container that it was built in, and without the build's steps."""
    kept = {key: value for key, value in config.items() if key not in _MADE_UP}
    kept["config"] = {**kept["config"], "Hostname": ""}
    return _text(kept)


def _text(value: Any) -> bytes:
    return json.dumps(value, sort_keys=True, separators=(",", ":")).encode()


def _read(archive: tarfile.TarFile, name: str) -> bytes:
    file = archive.extractfile(name)
    if file is None:
        raise SystemExit(f"{name} is no file of the archive")
    return file.read()


def _write(archive: tarfile.TarFile, name: str, data: bytes) -> None:
    entry = tarfile.TarInfo(name)
    entry.size = len(data)
    archive.addfile(entry, io.BytesIO(data))


if __name__ == "__main__":
    main()
