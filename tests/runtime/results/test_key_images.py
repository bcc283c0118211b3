from dataclasses import replace

import numpy as np
import numpy.typing as npt
import pytest
from PIL import Image

from core.findings import Gate
from core.volume import Volume
from runtime.results.drawing import Canvas, close_up, whole_slice
from runtime.results.key_images import contact_sheet, key_image, key_pictures, node_slice, stations_image
from runtime.results.palette import OUTCOME_COLOURS, STATION_COLOURS, STATUS_COLOURS
from runtime.results.words import warning_lines
from tests.runtime.results.cases import AXIAL, build_case

NOTE_PX = 30
"""Height of the line below a picture that says what is to be heeded."""

PANEL = slice(44, 44 + 480)
"""Rows of a key image that show the slice."""


def _open(image: Image.Image) -> npt.NDArray[np.int64]:
    return np.asarray(image).astype(np.int64)


def _near(picture: npt.NDArray[np.int64], colour: tuple[int, int, int]) -> npt.NDArray[np.int64]:
    """Return (row, column) of the pixels of about that colour."""
    return np.argwhere(np.abs(picture - np.array(colour)).max(axis=-1) < 30)


def test_the_slice_of_a_node_is_that_of_its_short_axis() -> None:
    case = build_case()
    for node in case.findings.nodes:
        z_mm = case.regions.image.index_to_lps_mm((node_slice(node, case.regions), 0, 0))[2]
        assert abs(z_mm - node.centroid_lps_mm[2]) <= case.regions.image.spacing_mm[0] / 2 + 1e-9


def test_a_short_axis_outside_the_volume_shows_the_nearest_slice() -> None:
    case = build_case()
    far = ((0.0, 0.0, 1e4), (1.0, 0.0, 1e4))
    node = replace(case.findings.nodes[0], axis_endpoints_lps_mm={"short": far, "long": far})
    assert node_slice(node, case.regions) == case.regions.image.shape[0] - 1


@pytest.mark.parametrize("index", [0, 1])
def test_a_node_on_the_patients_left_is_drawn_on_the_right_of_the_picture(index: int) -> None:
    case = build_case()
    node = case.findings.nodes[index]
    whole = _open(key_image(node, case.regions))[PANEL, :480]
    contour = _near(whole, STATUS_COLOURS[node.status])
    assert len(contour) > 20
    assert (contour[:, 1].mean() > 240) == (node.side == "left")


def test_the_close_up_is_centred_on_the_node() -> None:
    case = build_case()
    node = case.findings.nodes[1]
    detail = _open(key_image(node, case.regions))[PANEL, -480:]
    middle = _near(detail, STATUS_COLOURS[node.status]).mean(axis=0)
    assert np.abs(middle - 240).max() < 12


def test_both_pictures_of_a_flipped_case_are_the_same() -> None:
    plain, flipped = build_case(), build_case(flips=(True, False, True))
    assert key_image(plain.findings.nodes[0], plain.regions) == key_image(flipped.findings.nodes[0], flipped.regions)
    assert contact_sheet(plain.findings, plain.regions) == contact_sheet(flipped.findings, flipped.regions)


def test_every_panel_says_that_it_is_for_research() -> None:
    case = build_case()
    picture = _open(key_image(case.findings.nodes[0], case.regions))
    for columns in (slice(0, 480), slice(-480, None)):
        assert len(_near(picture[PANEL, columns][-40:], (255, 214, 90))) > 200


def test_a_case_without_nodes_shows_the_slice_with_most_of_its_stations() -> None:
    case = build_case(with_nodes=False)
    picture = _open(stations_image(case.findings, case.regions))
    assert picture.shape == (44 + 480 + 40, 480, 3)
    # Every station has its border in its own colour, on both sides of the picture.
    for colour in STATION_COLOURS.values():
        columns = _near(picture[PANEL], colour)[:, 1]
        assert columns.min() < 240 < columns.max()


def test_the_contact_sheet_has_one_tile_per_slice_with_nodes() -> None:
    case = build_case()
    assert _open(contact_sheet(case.findings, case.regions)).shape == (44 + 346 + 40, 2 * 346 - 6, 3)


def test_nodes_on_one_slice_share_a_tile() -> None:
    case = build_case()
    first, second = case.findings.nodes
    shared = replace(second, axis_endpoints_lps_mm=first.axis_endpoints_lps_mm)
    sheet = contact_sheet(replace(case.findings, nodes=(first, shared)), case.regions)
    assert sheet != contact_sheet(replace(case.findings, nodes=(first,)), case.regions)
    assert _open(sheet).shape == _open(contact_sheet(replace(case.findings, nodes=(first,)), case.regions)).shape


def test_a_case_without_nodes_shows_the_slices_of_its_stations() -> None:
    case = build_case(status="negative", with_nodes=False)
    slices = int(np.isin(case.regions.labels.voxels, (1, 2, 3)).any(axis=(1, 2)).sum())
    rows = -(-slices // 4)
    assert _open(contact_sheet(case.findings, case.regions)).shape == (44 + rows * 346 + 40, 4 * 346 - 6, 3)


def test_a_case_with_nothing_at_all_still_has_a_sheet() -> None:
    case = build_case(status="indeterminate", with_nodes=False, with_stations=False)
    assert _open(contact_sheet(case.findings, case.regions)).shape[0] == 44 + 3 * 346 + 40


def test_a_volume_of_one_intensity_can_be_drawn() -> None:
    case = build_case()
    flat = case.regions.image.with_voxels(np.zeros_like(case.regions.image.voxels))
    assert key_image(case.findings.nodes[0], replace(case.regions, image=flat))


def test_names_and_identifiers_do_not_change_a_pixel() -> None:
    case = build_case()
    named = replace(case.findings, case=replace(case.findings.case, case_id="Müller^Jörg"))
    assert contact_sheet(named, case.regions) == contact_sheet(case.findings, case.regions)


@pytest.mark.parametrize("with_nodes", [False, True])
def test_a_picture_says_in_a_line_below_what_is_to_be_heeded(with_nodes: bool) -> None:
    case = build_case(status="indeterminate", with_nodes=with_nodes)
    warned = replace(case.findings, warnings=("node 1 is cut by the edge of the images: its size is a lower bound",))
    (plain, *_), (picture, *_) = (key_pictures(each, case.regions) for each in (case.findings, warned))
    drawn = _open(picture.image)
    assert np.array_equal(drawn[:-NOTE_PX], _open(plain.image))
    assert len(_near(drawn[-NOTE_PX:], OUTCOME_COLOURS["warn"])) > 100


def test_a_line_says_as_much_as_fits() -> None:
    many = tuple(f"warning number {number}" for number in range(12))
    gate = Gate("fold_agreement", "warn", "the folds disagree")
    findings = replace(build_case().findings, warnings=(*many, gate.message), gates=(gate,))
    assert warning_lines(findings) == (
        "13 warnings, of agreement of the folds: see the report",
        "13 warnings: see the report",
    )
    assert warning_lines(replace(findings, warnings=many[:1]))[0] == "Warning: warning number 0"
    assert warning_lines(replace(findings, warnings=())) == ()


def test_a_voxel_is_drawn_where_its_position_projects() -> None:
    voxels = np.zeros((1, 40, 60), dtype=np.float32)
    voxels[0, 11, 37] = 1.0
    volume = Volume(voxels, (3.0, 1.1, 0.7), (5.0, -8.0, 2.0), AXIAL)
    x, y, z = (float(value) for value in volume.index_to_lps_mm((0, 11, 37)))
    for view in (whole_slice(volume, 0, 300), close_up(volume, (x + 2, y - 3, z), 0, 25.0, 300)):
        picture = np.asarray(Canvas(view, volume, (0.0, 1.0)).finish().convert("L")).astype(float)
        rows, columns = np.indices(picture.shape) + 0.5
        centre = ((columns * picture).sum() / picture.sum(), (rows * picture).sum() / picture.sum())
        assert centre == pytest.approx(view.project(volume, (x, y, z)), abs=0.6)


def test_a_contour_follows_its_mask() -> None:
    voxels = np.zeros((1, 40, 40), dtype=np.float32)
    volume = Volume(voxels, (3.0, 1.0, 1.0), (0.0, 0.0, 0.0), AXIAL)
    mask = np.zeros((40, 40), dtype=np.bool_)
    mask[10:20, 20:30] = True
    canvas = Canvas(whole_slice(volume, 0, 400), volume, (0.0, 1.0))
    canvas.contour(mask, (255, 0, 0))
    drawn = np.argwhere(np.asarray(canvas.finish())[..., 0] > 128)
    assert drawn.min(axis=0) == pytest.approx([100, 200], abs=2)
    assert drawn.max(axis=0) == pytest.approx([199, 299], abs=2)
