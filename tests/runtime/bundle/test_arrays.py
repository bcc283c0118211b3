"""The golden case's .npz files, hostile ones among them."""

import io
import pickle
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from runtime.bundle.arrays import read_arrays
from runtime.bundle.loading import load_bundle
from tests.fixtures.bundles import make_tiny_bundle, reseal
from trust.errors import BundleRejected


def _packed(**arrays: Any) -> bytes:
    stream = io.BytesIO()
    np.savez_compressed(stream, **arrays)
    return stream.getvalue()


class _Trap:
    """Would raise if it were ever unpickled."""

    def __reduce__(self) -> tuple[Any, ...]:
        return (exec, ("raise SystemExit('unpickled')",))


def test_arrays_come_back() -> None:
    wanted = np.arange(6, dtype=np.int16).reshape(1, 2, 3)
    got = read_arrays(_packed(a=wanted, b=np.zeros(3)), "x.npz", ["a"])
    assert list(got) == ["a"]
    np.testing.assert_array_equal(got["a"], wanted)


def test_pickled_objects_are_never_read() -> None:
    with pytest.raises(BundleRejected, match=r"a\.npy in file x\.npz of the bundle holds pickled objects, which are"):
        read_arrays(_packed(a=np.array([_Trap()], dtype=object)), "x.npz", ["a"])


def test_a_pickle_in_place_of_the_file_is_never_read() -> None:
    with pytest.raises(BundleRejected, match=r"file x\.npz of the bundle is not a readable \.npz file"):
        read_arrays(pickle.dumps(_Trap()), "x.npz", ["a"])


def test_a_missing_array_is_named() -> None:
    with pytest.raises(BundleRejected, match=r"lacks \['labels'\]"):
        read_arrays(_packed(a=np.zeros(3)), "x.npz", ["labels"])


@pytest.mark.parametrize("values", [[1.0, np.nan], [1.0, np.inf], ["a"], [1j]])
def test_values_that_are_no_finite_numbers_are_rejected(values: list[object]) -> None:
    with pytest.raises(BundleRejected, match="holds values that are not finite numbers"):
        read_arrays(_packed(a=np.array(values)), "x.npz", ["a"])


def test_an_array_that_swells_is_rejected_before_it_is_unpacked() -> None:
    stream = io.BytesIO()
    with (
        zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as archive,
        archive.open("a.npy", "w", force_zip64=True) as member,
    ):
        for _ in range(513):
            member.write(bytes(1 << 20))
    assert len(stream.getvalue()) < 1 << 20
    with pytest.raises(BundleRejected, match=r"a\.npy in file x\.npz has 537919488 bytes; allowed: 536870912"):
        read_arrays(stream.getvalue(), "x.npz", ["a"])


@pytest.mark.parametrize("content", [b"", b"PK", b"x" * 100, _packed(a=np.zeros(100))[:-40]])
def test_a_broken_file_is_rejected(content: bytes) -> None:
    with pytest.raises(BundleRejected, match=r"is not a readable \.npz file"):
        read_arrays(content, "x.npz", ["a"])


@pytest.mark.filterwarnings("ignore:Reading `.npy`")
@pytest.mark.parametrize(
    "header",
    [b"(", b"{'descr': '<f4', 'fortran_order': False, 'shape': (-1,), }", b"{'descr': [('a', '<f4')]}", b"[" * 5000],
)
def test_a_header_that_numpy_stumbles_over_is_rejected(header: bytes) -> None:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        archive.writestr("a.npy", b"\x93NUMPY\x01\x00" + len(header).to_bytes(2, "little") + header)
    with pytest.raises(BundleRejected, match=r"is not a readable \.npz file"):
        read_arrays(stream.getvalue(), "x.npz", ["a"])


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"voxels": np.zeros((2, 3))}, r"has voxels \(2, 3\)"),
        ({"spacing_mm": np.array([1.0, 0.0, 1.0])}, r"spacing_mm \[1.0, 0.0, 1.0\]; allowed"),
        ({"spacing_mm": np.ones(2)}, "three positive numbers"),
    ],
)
def test_a_golden_image_that_is_none_is_rejected(tmp_path: Path, changed: dict[str, Any], message: str) -> None:
    key = Ed25519PrivateKey.generate()
    bundle = make_tiny_bundle(tmp_path, key=key)
    arrays = {"voxels": np.ones((2, 2, 2)), "spacing_mm": np.ones(3)} | changed
    (bundle / "golden" / "input.npz").write_bytes(_packed(**arrays))
    reseal(bundle, key)
    with pytest.raises(BundleRejected, match=message):
        load_bundle(bundle, tmp_path / "keys").golden_volume()


def test_golden_labels_that_name_no_structure_are_rejected(tmp_path: Path) -> None:
    key = Ed25519PrivateKey.generate()
    bundle = make_tiny_bundle(tmp_path, key=key)
    (bundle / "golden" / "expected.npz").write_bytes(_packed(labels=np.full((2, 2, 2), 7)))
    reseal(bundle, key)
    with pytest.raises(BundleRejected, match=r"has labels other than \[0, 1, 2, 3, 4, 5\]"):
        load_bundle(bundle, tmp_path / "keys").golden_labels()
