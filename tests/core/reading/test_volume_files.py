"""NIfTI and NRRD images, by SimpleITK or nibabel, keep their place, or are refused for what is wrong with them."""

from pathlib import Path

import nibabel
import numpy as np
import numpy.typing as npt
import pytest
import SimpleITK

from core.errors import CaseRefused
from core.reading.volume_files import holds_volume_files, read_volume_file
from core.volume import Volume, canonicalise
from tests.core.dicom_cases import image

AFFINE = np.diag([-0.6, -0.7, 3.3, 1.0])


def written(volume: Volume, path: Path) -> Path:
    """Write a volume (z, y, x) with SimpleITK, which has LPS and x fastest as we have."""
    picture = SimpleITK.GetImageFromArray(volume.voxels)
    picture.SetSpacing(volume.spacing_mm[::-1])  # type: ignore[no-untyped-call]
    picture.SetOrigin(volume.origin_lps_mm)  # type: ignore[no-untyped-call]
    picture.SetDirection(volume.direction[:, ::-1].ravel().tolist())  # type: ignore[no-untyped-call]
    SimpleITK.WriteImage(picture, str(path))
    return path


def nifti(path: Path, shape: tuple[int, ...] = (5, 6, 7), affine: npt.NDArray[np.float64] | None = AFFINE) -> Path:
    voxels = np.arange(np.prod(shape), dtype=np.int16).reshape(shape)
    nibabel.save(nibabel.Nifti1Image(voxels, affine), path)  # type: ignore[no-untyped-call]
    return path


@pytest.mark.parametrize("name", ["image.nii", "image.nii.gz", "image.nrrd"])
def test_an_oblique_image_has_its_voxels_where_simpleitk_wrote_them(name: str, tmp_path: Path) -> None:
    volume = image()
    read = read_volume_file(written(volume, tmp_path / name))
    assert read.warnings == ()
    canonical, _ = canonicalise(read.volume)
    expected, _ = canonicalise(volume)
    # A NIfTI header has 32-bit numbers.
    assert canonical.same_grid(expected, tolerance_mm=1e-3)
    np.testing.assert_array_equal(canonical.voxels, expected.voxels)


def test_scaled_values_are_the_real_ones(tmp_path: Path) -> None:
    stored = nibabel.Nifti1Image(np.arange(60, dtype=np.int16).reshape(3, 4, 5), AFFINE)  # type: ignore[no-untyped-call]
    stored.header.set_slope_inter(0.5, 10.0)  # type: ignore[no-untyped-call]
    nibabel.save(stored, tmp_path / "scaled.nii")
    assert read_volume_file(tmp_path / "scaled.nii").volume.voxels[4, 3, 2] == 0.5 * 59 + 10


def test_a_folder_with_one_image_is_that_image(tmp_path: Path) -> None:
    nifti(tmp_path / "image.nii.gz")
    (tmp_path / "notes.txt").write_text("hello")
    assert holds_volume_files(tmp_path)
    assert read_volume_file(tmp_path).volume.shape == (7, 6, 5)


@pytest.mark.parametrize("content", [b"hello", b"", b"\x1f\x8b\x08", b"\x00" * 400])
def test_what_is_no_volume_is_left_to_the_reader_of_dicom(content: bytes, tmp_path: Path) -> None:
    path = tmp_path / "file.nii"
    path.write_bytes(content)
    assert not holds_volume_files(path)
    assert not holds_volume_files(tmp_path)


def test_sform_and_qform_that_disagree_are_told(tmp_path: Path) -> None:
    stored = nibabel.Nifti1Image(np.zeros((5, 6, 7), dtype=np.int16), AFFINE)  # type: ignore[no-untyped-call]
    moved = AFFINE.copy()
    moved[:3, 3] = 3.0, 4.0, 0.0
    stored.set_qform(AFFINE, code=1)  # type: ignore[no-untyped-call]
    stored.set_sform(moved, code=1)  # type: ignore[no-untyped-call]
    nibabel.save(stored, tmp_path / "image.nii")
    read = read_volume_file(tmp_path / "image.nii")
    assert read.warnings == ("sform and qform of the NIfTI file disagree by up to 5.0 mm; the sform is taken",)
    # RAS to LPS turns the signs of x and y.
    assert read.volume.origin_lps_mm == pytest.approx((-3.0, -4.0, 0.0))


def test_four_axes_are_refused(tmp_path: Path) -> None:
    with pytest.raises(CaseRefused, match=r"invalid_volume: the image has 4 axes \(5 x 6 x 7 x 2\); allowed: three"):
        read_volume_file(nifti(tmp_path / "image.nii", (5, 6, 7, 2)))


def test_a_folder_with_several_images_is_refused(tmp_path: Path) -> None:
    nifti(tmp_path / "a.nii")
    nifti(tmp_path / "b.nii.gz")
    with pytest.raises(CaseRefused, match="several_series: the folder holds 2 NIfTI or NRRD images; allowed: one"):
        read_volume_file(tmp_path)


def test_an_image_without_a_place_is_refused(tmp_path: Path) -> None:
    with pytest.raises(CaseRefused, match="no place in the patient"):
        read_volume_file(nifti(tmp_path / "image.nii", affine=None))


def test_a_grid_with_shear_is_refused(tmp_path: Path) -> None:
    sheared = AFFINE.copy()
    sheared[0, 1] = 0.3
    stored = nibabel.Nifti1Image(np.zeros((5, 6, 7), dtype=np.int16), sheared)  # type: ignore[no-untyped-call]
    stored.set_qform(None, code=0)  # type: ignore[no-untyped-call]
    nibabel.save(stored, tmp_path / "image.nii")
    with pytest.raises(CaseRefused, match="not at right angles"):
        read_volume_file(tmp_path / "image.nii")


@pytest.mark.parametrize("name", ["image.nii", "image.nii.gz", "image.nrrd"])
def test_a_file_that_is_cut_off_or_damaged_is_refused_or_read_and_never_a_fault(name: str, tmp_path: Path) -> None:
    path = written(image(), tmp_path / name)
    content = path.read_bytes()
    rng = np.random.default_rng(11)
    for trial in range(120):
        damaged = bytearray(content)
        if trial % 3 == 0:
            damaged = damaged[: int(rng.integers(1, len(content)))]
        else:
            for place in rng.integers(0, min(352, len(content)), 4):
                damaged[place] = int(rng.integers(0, 256))
        path.write_bytes(damaged)
        if holds_volume_files(path):
            try:
                read_volume_file(path)
            except CaseRefused as refused:
                assert refused.reasons  # noqa: PT017 - either outcome is right
