import json
from pathlib import Path

import nibabel as nib
import numpy as np
import pydicom
import pytest
from PIL import Image
from typer.testing import CliRunner

from core.volume import canonicalise
from phantom.__main__ import OutputFormat, app, write_case
from phantom.case import PhantomCase, generate_case
from phantom.contact_sheet import COLOURS, choose_slices, contact_sheet
from phantom.nifti import write_nifti


def test_help_shows_examples() -> None:
    outcome = CliRunner().invoke(app, ["--help"], env={"COLUMNS": "140"})
    assert outcome.exit_code == 0
    assert "python -m phantom --seed 7 --out out/phantom --contact-sheet" in outcome.output
    assert "--format" in outcome.output


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--seed", "-1"], "--seed"),
        (["--seed", "1", "--count", "0"], "--count"),
        (["--seed", "1", "--format", "png"], "png"),
    ],
)
def test_bad_options_are_named(arguments: list[str], message: str, tmp_path: Path) -> None:
    outcome = CliRunner().invoke(app, [*arguments, "--out", str(tmp_path / "out")])
    assert outcome.exit_code == 2
    assert message in outcome.output
    assert not (tmp_path / "out").exists()


def test_an_output_folder_that_is_a_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "out").write_text("in the way")
    outcome = CliRunner().invoke(app, ["--seed", "1", "--out", str(tmp_path / "out")], env={"COLUMNS": "300"})
    assert outcome.exit_code == 2
    assert "is a file" in outcome.output


def test_the_command_writes_a_case_and_tells_its_truth(tmp_path: Path) -> None:
    outcome = CliRunner().invoke(app, ["--seed", "7", "--out", str(tmp_path), "--contact-sheet", "--json"])
    assert outcome.exit_code == 0, outcome.output
    folder = tmp_path / "seed_0007"
    told = json.loads(outcome.stdout)
    assert told == [json.loads((folder / "truth.json").read_text())]
    header = pydicom.dcmread(sorted((folder / "dicom").iterdir())[0], stop_before_pixels=True)
    assert header.SeriesInstanceUID == told[0]["series_instance_uid"]
    assert {path.name for path in folder.iterdir()} == {
        "contact_sheet.png",
        "dicom",
        "labels.nii.gz",
        "node_ids.nii.gz",
        "truth.json",
    }
    ids = np.unique(np.asarray(nib.load(folder / "node_ids.nii.gz").dataobj))  # type: ignore[attr-defined]
    assert ids[ids > 0].tolist() == [node["id"] for node in told[0]["nodes"]]


def test_every_format_writes_the_image_it_names(handmade_case: PhantomCase, tmp_path: Path) -> None:
    for output_format, dicom, nifti in [
        (OutputFormat.DICOM, True, False),
        (OutputFormat.NIFTI, False, True),
        (OutputFormat.BOTH, True, True),
    ]:
        folder = tmp_path / output_format
        write_case(handmade_case, folder, output_format, with_contact_sheet=False)
        assert ((folder / "dicom").is_dir(), (folder / "image.nii.gz").is_file()) == (dicom, nifti)


def test_nifti_keeps_voxels_and_place(handmade_case: PhantomCase, tmp_path: Path) -> None:
    write_nifti(handmade_case.labels, tmp_path / "labels.nii.gz")
    image = nib.load(tmp_path / "labels.nii.gz")
    np.testing.assert_array_equal(np.asarray(image.dataobj).transpose(2, 1, 0), handmade_case.labels.voxels)  # type: ignore[attr-defined]
    x_ras, y_ras, z_ras = (image.affine @ [4, 3, 2, 1])[:3]  # type: ignore[attr-defined]
    np.testing.assert_allclose((-x_ras, -y_ras, z_ras), handmade_case.labels.index_to_lps_mm((2, 3, 4)), atol=1e-5)


def test_the_contact_sheet_draws_stations_and_nodes_in_their_colours(handmade_case: PhantomCase) -> None:
    sheet = contact_sheet(handmade_case, slices=4, pane_px=200)
    assert isinstance(sheet, Image.Image)
    assert sheet.size[0] == 4 * (200 + 4)
    colours = {tuple(pixel) for pixel in np.unique(np.asarray(sheet)[40:-40].reshape(-1, 3), axis=0).tolist()}
    assert COLOURS[2][1] in colours
    assert COLOURS[5][1] in colours
    assert COLOURS[4][1] not in colours
    # The node lies at columns 34-41 of 50, so on the patient's left: the right of each pane.
    yellow = np.nonzero((np.asarray(sheet)[40:-40] == COLOURS[5][1]).all(axis=-1))[1] % 204
    assert yellow.min() > 100


@pytest.mark.parametrize("seed", [3, 7, 11, 42])
def test_every_node_is_on_a_slice_of_the_sheet_and_the_slices_run_from_head_to_feet(seed: int) -> None:
    case = generate_case(seed)
    node_ids = canonicalise(case.node_ids)[0].voxels
    chosen = choose_slices(node_ids, 8)
    assert chosen == sorted(set(chosen), reverse=True)
    assert len(chosen) == 8
    areas = {node.id: np.count_nonzero(node_ids == node.id, axis=(1, 2)) for node in case.nodes}
    assert all(area[chosen].max() == area.max() > 0 for area in areas.values())


def test_more_nodes_than_slices_wanted_are_shown_all_the_same_and_a_short_stack_whole() -> None:
    node_ids = np.zeros((12, 4, 4), np.uint8)
    for node_id, index in enumerate((0, 3, 4, 8, 11), start=1):
        node_ids[index, 1, 1] = node_id
    assert choose_slices(node_ids, 2) == [11, 8, 4, 3, 0]
    assert choose_slices(node_ids[:3], 8) == [2, 1, 0]


def test_slices_without_nodes_are_spread_over_the_stack() -> None:
    assert choose_slices(np.zeros((31, 4, 4), np.uint8), 3) == [23, 15, 7]


def test_an_empty_image_gives_a_sheet_too(handmade_case: PhantomCase) -> None:
    empty = handmade_case.labels.with_voxels(np.zeros_like(handmade_case.labels.voxels))
    case = PhantomCase(
        1,
        handmade_case.image.with_voxels(np.zeros_like(handmade_case.image.voxels)),
        empty,
        empty,
        empty,
        (),
        handmade_case.acquisition,
    )
    assert contact_sheet(case).size[0] == 4 * (420 + 4)
