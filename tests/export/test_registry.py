"""Push and pull through a real registry (Debian package docker-registry), a manipulated one and a broken line."""

import hashlib
import json
import os
import signal
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from base.errors import SettingInvalid
from export.registry import push_bundle
from export.sealing import sign_bundle
from runtime.bundle.loading import load_bundle
from runtime.bundle.registry.artifact import CONFIG_TYPE, FILE_TYPE
from runtime.bundle.registry.client import pull_bundle
from tests.fixtures.bundles import make_tiny_bundle
from tests.fixtures.proxies import open_directly
from tests.fixtures.registries import RunningRegistry, failing_line, find_registry, running_registry
from trust.errors import BundleRejected, RegistryFailed
from trust.registry.access import RegistryAccess
from trust.registry.reference import Reference, parse_reference
from trust.signing import key_id_of, write_trusted_key

REPOSITORY = Path(__file__).parents[2]
PLAIN = RegistryAccess(plain_http=True)


@pytest.fixture
def registry(tmp_path: Path) -> Iterator[RunningRegistry]:
    """Return a running registry without content."""
    program = find_registry()
    if program is None:
        pytest.skip("docker-registry (Debian package docker-registry) is not installed")
    (tmp_path / "registry").mkdir()
    with running_registry(program, tmp_path / "registry") as running:
        yield running


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Return a folder with a good bundle in `tiny` and the keys that trust it in `keys`."""
    make_tiny_bundle(tmp_path)
    return tmp_path


def _reference(registry: RunningRegistry, *, port: int | None = None, tag: str = "1.0.0") -> Reference:
    return parse_reference(f"127.0.0.1:{port or registry.port}/site/models/tiny:{tag}")


def _push(registry: RunningRegistry, folder: Path) -> str:
    return push_bundle(folder / "tiny", _reference(registry), folder / "keys", access=PLAIN)


def _rejects(reference: Reference, folder: Path, message: str, kind: type[Exception] = BundleRejected) -> None:
    with pytest.raises(kind, match=message):
        pull_bundle(reference, folder / "out" / "copy", folder / "keys", access=PLAIN)
    assert not (folder / "out").exists() or not list((folder / "out").iterdir())


def _blob_of(registry: RunningRegistry, folder: Path, name: str) -> Path:
    return registry.blob(hashlib.sha256((folder / "tiny" / name).read_bytes()).hexdigest())


def test_a_bundle_comes_back_by_tag_and_by_digest(registry: RunningRegistry, folder: Path) -> None:
    digest = _push(registry, folder)
    wanted = load_bundle(folder / "tiny", folder / "keys")
    by_tag, said = pull_bundle(_reference(registry), folder / "a", folder / "keys", access=PLAIN)
    pinned = replace(_reference(registry), digest=digest)
    by_digest, again = pull_bundle(pinned, folder / "b", folder / "keys", access=PLAIN)
    assert said == again == digest
    assert (by_tag.digest, by_digest.digest) == (wanted.digest, wanted.digest)
    assert by_tag == load_bundle(folder / "a", folder / "keys")


def test_the_same_bundle_has_the_same_digest_and_media_types_of_its_own(
    registry: RunningRegistry, folder: Path
) -> None:
    digest = _push(registry, folder)
    assert _push(registry, folder) == digest
    url = f"http://{registry.host}/v2/site/models/tiny/manifests/{digest}"
    asked = urllib.request.Request(url, headers={"Accept": "application/vnd.oci.image.manifest.v1+json"})
    with open_directly(asked) as answer:
        artifact = json.load(answer)
    assert artifact["config"]["mediaType"] == CONFIG_TYPE
    assert {layer["mediaType"] for layer in artifact["layers"][2:]} == {FILE_TYPE}
    assert artifact["annotations"]["vnd.sidewall.bundle.digest"] == load_bundle(folder / "tiny", folder / "keys").digest


def test_a_second_signature_changes_one_small_layer(registry: RunningRegistry, folder: Path) -> None:
    first = _push(registry, folder)
    blobs = {path.parent.name for path in registry.storage.rglob("data")}
    key = Ed25519PrivateKey.generate()
    sign_bundle(folder / "tiny", key)
    assert _push(registry, folder) != first
    more = {path.parent.name for path in registry.storage.rglob("data")} - blobs
    assert len(more) == 2  # The signatures, and the artifact that names them.
    (folder / "new").mkdir()
    write_trusted_key(folder / "new" / "n.pub", key.public_key(), ["phantom"])
    bundle, _ = pull_bundle(_reference(registry), folder / "copy", folder / "new", access=PLAIN)
    assert bundle.signed_by == key_id_of(key.public_key())


def test_what_no_box_would_open_is_not_pushed(registry: RunningRegistry, folder: Path) -> None:
    with pytest.raises(BundleRejected, match="not trusted here"):
        push_bundle(folder / "tiny", _reference(registry), access=PLAIN)
    (folder / "tiny" / "fold_0.onnx").write_bytes(b"")
    with pytest.raises(BundleRejected, match="has 0 bytes; signed for"):
        _push(registry, folder)
    assert not list(registry.storage.rglob("data"))


@pytest.mark.parametrize("name", ["manifest.json", "manifest.sig", "fold_1.onnx", "golden/input.npz"])
def test_content_changed_in_the_registrys_storage_is_refused(
    registry: RunningRegistry, folder: Path, name: str
) -> None:
    _push(registry, folder)
    blob = _blob_of(registry, folder, name)
    content = bytearray(blob.read_bytes())
    content[len(content) // 2] ^= 1
    blob.write_bytes(bytes(content))
    _rejects(_reference(registry), folder, "altered|damaged|not whole JSON|not trusted here|has unknown")


def test_content_cut_off_swollen_or_lost_in_the_storage_is_refused(registry: RunningRegistry, folder: Path) -> None:
    _push(registry, folder)
    blob = _blob_of(registry, folder, "fold_1.onnx")
    whole = blob.read_bytes()
    blob.write_bytes(whole[:-10])
    _rejects(_reference(registry), folder, r"file fold_1\.onnx of the bundle has \d+ bytes; signed for \d+")
    blob.write_bytes(whole + bytes(50 << 20))
    _rejects(_reference(registry), folder, r"file fold_1\.onnx of the bundle has more bytes than the \d+ signed")
    blob.unlink()
    _rejects(_reference(registry), folder, r"fold_1\.onnx", (BundleRejected, RegistryFailed))  # type: ignore[arg-type]


def test_an_artifact_that_is_no_bundle_is_refused(registry: RunningRegistry, folder: Path) -> None:
    _push(registry, folder)
    (path,) = [path for path in registry.storage.rglob("data") if CONFIG_TYPE.encode() in path.read_bytes()]
    path.write_bytes(path.read_bytes().replace(CONFIG_TYPE.encode(), b"application/vnd.oci.image.config.v1+json"))
    _rejects(_reference(registry), folder, "the artifact is of kind|the registry answers 500")


def test_another_artifact_than_the_pinned_one_is_refused(registry: RunningRegistry, folder: Path) -> None:
    digest = _push(registry, folder)
    blob = registry.blob(digest.removeprefix("sha256:"))
    blob.write_bytes(blob.read_bytes() + b" ")
    pinned = replace(_reference(registry), digest=digest)
    _rejects(pinned, folder, "artifact sha256:|answers", (BundleRejected, RegistryFailed))  # type: ignore[arg-type]


def test_what_is_not_there_and_who_does_not_answer_is_said(registry: RunningRegistry, folder: Path) -> None:
    _rejects(_reference(registry), folder, "the registry has no 127", RegistryFailed)
    _rejects(_reference(registry, port=1), folder, r"does not answer \(ConnectionError\)", RegistryFailed)


def test_an_interrupted_pull_leaves_nothing(registry: RunningRegistry, folder: Path) -> None:
    _push(registry, folder)
    for after_bytes in (0, 500, 2500, 8000):
        with failing_line(registry.port, after_bytes, silent=False) as port:
            _rejects(_reference(registry, port=port), folder, "broke off|does not answer", RegistryFailed)


def test_ctrl_c_in_the_middle_of_a_pull_leaves_nothing(registry: RunningRegistry, folder: Path) -> None:
    _push(registry, folder)
    with failing_line(registry.port, 8000, silent=True) as port:
        command = ["pull", str(_reference(registry, port=port)), "--out", str(folder / "out" / "copy"), "--plain-http"]
        # A shell starts background jobs with SIGINT ignored; Python then leaves it so, and Ctrl-C would do nothing.
        heard = "import signal; signal.signal(signal.SIGINT, signal.default_int_handler); "
        code = f"{heard}from export.cli import main; main()"
        with subprocess.Popen(
            [sys.executable, "-c", code, *command, "--trusted-keys", str(folder / "keys")],
            cwd=REPOSITORY,
            env=os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)},
            stderr=subprocess.PIPE,
        ) as process:
            deadline_s = time.monotonic() + 60
            while time.monotonic() < deadline_s and not list((folder / "out").glob(".copy.*.part/fold_0.onnx")):
                assert process.poll() is None
                time.sleep(0.05)
            assert list((folder / "out").glob(".copy.*.part"))
            process.send_signal(signal.SIGINT)
            process.communicate(timeout=60)
    assert process.returncode != 0
    assert list((folder / "out").iterdir()) == []


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("registry.example:5000/a/b:1", ("registry.example:5000", "a/b", "1", None)),
        ("registry.example/a@sha256:" + "0" * 64, ("registry.example", "a", None, "sha256:" + "0" * 64)),
        ("127.0.0.1:1/a:t@sha256:" + "f" * 64, ("127.0.0.1:1", "a", "t", "sha256:" + "f" * 64)),
    ],
)
def test_a_reference_is_read_and_written(text: str, parts: tuple[str, str, str | None, str | None]) -> None:
    assert parse_reference(text) == Reference(*parts)
    assert str(parse_reference(text)) == text


@pytest.mark.parametrize(
    "text", ["", "tiny:1", "host/tiny:1", "a.b/tiny", "a.b/Tiny:1", "a.b/../x:1", "https://a.b/x:1", "a.b/x@sha256:00"]
)
def test_a_reference_without_its_parts_is_refused(text: str) -> None:
    with pytest.raises(SettingInvalid, match=r"allowed: HOST\[:PORT\]/NAME with :TAG or @sha256:DIGEST"):
        parse_reference(text)


def test_http_is_for_this_machine_only(folder: Path) -> None:
    with pytest.raises(SettingInvalid, match="a registry on this machine; others need https"):
        pull_bundle(parse_reference("registry.example:5000/a:1"), folder / "out", access=PLAIN)


def test_a_push_needs_a_tag_and_takes_no_digest(folder: Path) -> None:
    reference = parse_reference("127.0.0.1:5000/a@sha256:" + "0" * 64)
    with pytest.raises(SettingInvalid, match="a tag, and no digest"):
        push_bundle(folder / "tiny", reference, folder / "keys", access=PLAIN)
