"""One commit gives one digest: what a build makes up is taken out of the image's description."""

import io
import json
import tarfile
from pathlib import Path
from typing import Any

from docker.canonical import rewrite

CONFIG: dict[str, Any] = {
    "architecture": "amd64",
    "config": {"Hostname": "0f3a", "User": "10001:10001", "Healthcheck": {"Test": ["CMD", "sidewall", "health"]}},
    "container": "0f3a77",
    "container_config": {"Hostname": "0f3a"},
    "parent": "sha256:636d90e1",
    "history": [{"created_by": "/bin/sh -c #(nop) COPY from=7c6c33dc"}],
    "rootfs": {"diff_ids": ["sha256:aa"], "type": "layers"},
}


def archive(path: Path, config: dict[str, Any]) -> Path:
    """Write a docker-archive with one layer."""
    files = {
        "layer.tar": b"layer",
        "config.json": json.dumps(config).encode(),
        "repositories": b"{}",
        "manifest.json": json.dumps([{"Config": "config.json", "Layers": ["layer.tar"], "RepoTags": ["a:1"]}]).encode(),
    }
    with tarfile.open(path, "w") as target:
        for name, data in files.items():
            entry = tarfile.TarInfo(name)
            entry.size = len(data)
            target.addfile(entry, io.BytesIO(data))
    return path


def rewritten(path: Path) -> bytes:
    """Return the archive without what was made up."""
    target = io.BytesIO()
    with tarfile.open(path) as source, tarfile.open(fileobj=target, mode="w") as canonical:
        rewrite(source, canonical)
    return target.getvalue()


def test_two_builds_that_differ_in_their_container_alone_give_the_same_bytes(tmp_path: Path) -> None:
    other = {
        **CONFIG,
        "config": {**CONFIG["config"], "Hostname": "9c"},
        "container": "9c",
        "container_config": {},
        "parent": "sha256:a69f7aa8",
        "history": [],
    }
    first, second = archive(tmp_path / "one.tar", CONFIG), archive(tmp_path / "two.tar", other)
    assert first.read_bytes() != second.read_bytes()
    assert rewritten(first) == rewritten(second)


def test_everything_else_of_the_image_stays(tmp_path: Path) -> None:
    with tarfile.open(fileobj=io.BytesIO(rewritten(archive(tmp_path / "one.tar", CONFIG)))) as canonical:
        files = {member.name: canonical.extractfile(member) for member in canonical.getmembers()}
        contents = {name: file.read() for name, file in files.items() if file is not None}
    (entry,) = json.loads(contents["manifest.json"])
    assert (entry["Layers"], entry["RepoTags"]) == (["layer.tar"], ["a:1"])
    assert set(contents) == {"layer.tar", "manifest.json", entry["Config"]}
    assert contents["layer.tar"] == b"layer"
    assert json.loads(contents[entry["Config"]]) == {
        "architecture": "amd64",
        "config": {
            "Hostname": "",
            "User": "10001:10001",
            "Healthcheck": {"Test": ["CMD", "sidewall", "health"]},
        },
        "rootfs": {"diff_ids": ["sha256:aa"], "type": "layers"},
    }
