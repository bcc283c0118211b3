"""Damaged bundles open as they were or are rejected with a reason, never anything else, and write nothing anywhere."""

import copy
import json
import shutil
import tarfile
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given
from hypothesis import strategies as st

from export.packing import pack_bundle
from runtime.bundle.arrays import read_arrays
from runtime.bundle.loading import load_bundle
from runtime.bundle.manifest_reading import parse_manifest
from runtime.bundle.networks import check_network
from runtime.bundle.packed import BLOCK_BYTES, unpack_bundle
from tests.fixtures.bundles import make_tiny_bundle, reseal
from tests.fixtures.drawing import examples
from trust.errors import BundleRejected

Result = TypeVar("Result")
KEY = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
"""Always the same, so that what is drawn damages the same bytes."""

FILES = ("manifest.json", "manifest.sig", "MODEL_CARD.md", "fold_0.onnx", "golden/input.npz", "golden/expected.npz")
FUZZ = examples(60)
VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=8)
    | st.sampled_from(["../x", "/etc/passwd", "manifest.json", "fold_0.onnx", "\0", "1e999"]),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=4), inner, max_size=3),
    max_leaves=6,
)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with a good bundle in `tiny`, packed in `tiny.tar`, and the keys that trust it in `keys`."""
    folder = tmp_path_factory.mktemp("fuzz")
    make_tiny_bundle(folder, key=KEY)
    pack_bundle(folder / "tiny", folder / "tiny.tar", folder / "keys")
    return folder


@contextmanager
def _copied(folder: Path) -> Iterator[Path]:
    with tempfile.TemporaryDirectory() as name:
        shutil.copytree(folder / "tiny", Path(name) / "tiny")
        yield Path(name)


def _tried(call: Callable[..., Result], *arguments: Any) -> Result | None:
    """Return what a call gives, or None when it was rejected with a reason; nothing else may be raised."""
    try:
        return call(*arguments)
    except BundleRejected as error:
        reason = str(error)
    assert reason
    return None


def _damaged(data: st.DataObject, content: bytes, places: st.SearchStrategy[int] | None = None) -> bytes:
    """Return content with a few bytes flipped, cut off, put in or taken out."""
    place = data.draw(st.integers(0, len(content)) if places is None else places, "place")
    match data.draw(st.sampled_from(["flip", "truncate", "insert", "remove"]), "damage"):
        case "flip":
            bits = data.draw(st.integers(1, 255), "bits")
            return content[:place] + bytes(byte ^ bits for byte in content[place : place + 1]) + content[place + 1 :]
        case "truncate":
            return content[:place]
        case "insert":
            return content[:place] + data.draw(st.binary(min_size=1, max_size=20), "more") + content[place:]
        case _:
            return content[:place] + content[place + data.draw(st.integers(1, 600), "gap") :]


@FUZZ
@given(data=st.data())
def test_a_bundle_with_a_damaged_file_is_rejected_or_means_the_same(folder: Path, data: st.DataObject) -> None:
    intact = load_bundle(folder / "tiny", folder / "keys")
    with _copied(folder) as copied:
        victim = copied / "tiny" / data.draw(st.sampled_from(FILES))
        before = victim.read_bytes()
        victim.write_bytes(_damaged(data, before))
        bundle = _tried(load_bundle, copied / "tiny", folder / "keys")
        if bundle is not None:
            # White space of the JSON is not signed; everything else is.
            assert victim.name in ("manifest.json", "manifest.sig") or victim.read_bytes() == before
            assert (bundle.manifest, bundle.digest) == (intact.manifest, intact.digest)


@FUZZ
@given(data=st.data())
def test_a_damaged_tar_is_rejected_or_means_the_same(folder: Path, data: st.DataObject) -> None:
    intact = load_bundle(folder / "tiny", folder / "keys")
    content = (folder / "tiny.tar").read_bytes()
    with tarfile.open(folder / "tiny.tar") as archive:
        headers = [entry.offset for entry in archive]
    in_header = st.builds(lambda start, offset: start + offset, st.sampled_from(headers), st.integers(0, BLOCK_BYTES))
    damaged = _damaged(data, content, in_header | st.integers(0, len(content)))
    with tempfile.TemporaryDirectory() as name:
        (Path(name) / "t.tar").write_bytes(damaged)
        bundle = _tried(unpack_bundle, Path(name) / "t.tar", Path(name) / "copy", folder / "keys")
        if bundle is None:
            assert [path.name for path in Path(name).rglob("*")] == ["t.tar"]
        else:
            assert (bundle.manifest, bundle.digest) == (intact.manifest, intact.digest)
            assert {path.name for path in Path(name).iterdir()} == {"t.tar", "copy"}


@FUZZ
@given(data=st.data())
def test_a_signed_manifest_with_other_values_is_rejected_or_fits_its_schema(folder: Path, data: st.DataObject) -> None:
    mapping = json.loads((folder / "tiny" / "manifest.json").read_text())
    _mutate(data, mapping)
    with _copied(folder) as copied:
        reseal(copied / "tiny", KEY, **mapping)
        bundle = _tried(load_bundle, copied / "tiny", folder / "keys")
        if bundle is None:
            return
        assert parse_manifest(bundle.manifest.to_mapping()) == bundle.manifest
        assert [bundle.fold_bytes(index) for index in range(len(bundle.manifest.folds))]
        _tried(bundle.golden_volume)
        _tried(bundle.golden_labels)


def _mutate(data: st.DataObject, mapping: dict[str, Any]) -> None:
    """Replace, take out or add one value somewhere in nested JSON."""
    inner: Any = mapping
    while True:
        keys = list(inner) if isinstance(inner, dict) else list(range(len(inner)))
        key = data.draw(st.sampled_from(keys), "key")
        if not (isinstance(inner[key], dict | list) and inner[key] and data.draw(st.booleans(), "deeper")):
            break
        inner = inner[key]
    match data.draw(st.sampled_from(["replace", "remove", "double", "add"]), "change"):
        case "remove":
            del inner[key]
        case "double" if isinstance(inner, list):
            inner.append(copy.deepcopy(inner[key]))
        case "add" if isinstance(inner, dict):
            inner[data.draw(st.text(max_size=5), "name")] = data.draw(VALUES, "value")
        case _:
            inner[key] = data.draw(VALUES, "value")


@FUZZ
@given(data=st.data())
def test_a_damaged_network_is_rejected_or_read(folder: Path, data: st.DataObject) -> None:
    content = _damaged(data, (folder / "tiny" / "fold_0.onnx").read_bytes())
    _tried(check_network, content, "fold_0.onnx")


@FUZZ
@given(data=st.data())
def test_a_damaged_array_file_is_rejected_or_read(folder: Path, data: st.DataObject) -> None:
    content = _damaged(data, (folder / "tiny" / "golden" / "expected.npz").read_bytes())
    _tried(read_arrays, content, "expected.npz", ["labels"])
