from dataclasses import replace

import numpy as np
import numpy.typing as npt
import pytest
from PIL import Image

from core.findings import Gate
from core.volume import Volume
from runtime.results.contact_sheet import contact_sheet
from runtime.results.drawing import Canvas, close_up, whole_slice
from runtime.results.key_images import key_image, key_pictures, node_slice, stations_image
from runtime.results.palette import OUTCOME_COLOURS, STATION_COLOURS, STATUS_COLOURS
from runtime.results.slice_names import slice_names
from runtime.results.words import describe_node, warning_lines
from tests.runtime.results.cases import AXIAL, build_case

NOTE_PX = 30
"""Height of the line below a picture that says what is to be heeded."""

NAMES = tuple(f"slice {number}/10" for number in range(1, 11))

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
    whole = _open(key_image(node, case.regions, NAMES))[PANEL, :480]
    contour = _near(whole, STATUS_COLOURS[node.status])
    assert len(contour) > 20
    assert (contour[:, 1].mean() > 240) == (node.side == "left")


def test_the_close_up_is_centred_on_the_node() -> None:
    case = build_case()
    node = case.findings.nodes[1]
    detail = _open(key_image(node, case.regions, NAMES))[PANEL, -480:]
    middle = _near(detail, STATUS_COLOURS[node.status]).mean(axis=0)
    assert np.abs(middle - 240).max() < 12


def test_both_pictures_of_a_flipped_case_are_the_same() -> None:
    plain, flipped = build_case(), build_case(flips=(True, False, True))
    assert key_image(plain.findings.nodes[0], plain.regions, NAMES) == key_image(
        flipped.findings.nodes[0], flipped.regions, NAMES
    )
    assert contact_sheet(plain.findings, plain.regions, NAMES) == contact_sheet(
        flipped.findings, flipped.regions, NAMES
    )


def test_every_panel_says_that_it_is_for_research() -> None:
    case = build_case()
    picture = _open(key_image(case.findings.nodes[0], case.regions, NAMES))
    for columns in (slice(0, 480), slice(-480, None)):
        assert len(_near(picture[PANEL, columns][-40:], (255, 214, 90))) > 200


def test_a_case_without_nodes_shows_the_slice_with_most_of_its_stations() -> None:
    case = build_case(with_nodes=False)
    picture = _open(stations_image(case.findings, case.regions, NAMES))
    assert picture.shape == (44 + 480 + 60, 480, 3)
    # Every station has its border in its own colour, on both sides of the picture.
    for colour in STATION_COLOURS.values():
        columns = _near(picture[PANEL], colour)[:, 1]
        assert columns.min() < 240 < columns.max()


def test_the_contact_sheet_has_one_tile_per_slice_with_nodes() -> None:
    case = build_case()
    assert _open(contact_sheet(case.findings, case.regions, NAMES)).shape == (44 + 346 + 66, 2 * 346 - 6, 3)


def test_nodes_on_one_slice_share_a_tile() -> None:
    case = build_case()
    first, second = case.findings.nodes
    shared = replace(second, axis_endpoints_lps_mm=first.axis_endpoints_lps_mm)
    sheet = contact_sheet(replace(case.findings, nodes=(first, shared)), case.regions, NAMES)
    assert sheet != contact_sheet(replace(case.findings, nodes=(first,)), case.regions, NAMES)
    assert _open(sheet).shape == _open(contact_sheet(replace(case.findings, nodes=(first,)), case.regions, NAMES)).shape


def test_a_case_without_nodes_shows_the_slices_of_its_stations() -> None:
    case = build_case(status="negative", with_nodes=False)
    slices = int(np.isin(case.regions.labels.voxels, (1, 2, 3)).any(axis=(1, 2)).sum())
    rows = -(-slices // 4)
    assert _open(contact_sheet(case.findings, case.regions, NAMES)).shape == (44 + rows * 346 + 66, 4 * 346 - 6, 3)


def test_a_case_with_nothing_at_all_still_has_a_sheet() -> None:
    case = build_case(status="indeterminate", with_nodes=False, with_stations=False)
    assert _open(contact_sheet(case.findings, case.regions, NAMES)).shape[0] == 44 + 3 * 346 + 66


def test_a_volume_of_one_intensity_can_be_drawn() -> None:
    case = build_case()
    flat = case.regions.image.with_voxels(np.zeros_like(case.regions.image.voxels))
    assert key_image(case.findings.nodes[0], replace(case.regions, image=flat), NAMES)


def test_names_and_identifiers_do_not_change_a_pixel() -> None:
    case = build_case()
    named = replace(case.findings, case=replace(case.findings.case, case_id="Müller^Jörg"))
    assert contact_sheet(named, case.regions, NAMES) == contact_sheet(case.findings, case.regions, NAMES)


@pytest.mark.parametrize("with_nodes", [False, True])
def test_a_picture_says_in_a_line_below_what_is_to_be_heeded(with_nodes: bool) -> None:
    case = build_case(status="indeterminate", with_nodes=with_nodes)
    warned = replace(case.findings, warnings=("node 1 is cut by the edge of the images: its size is a lower bound",))
    (plain, *_), (picture, *_) = (key_pictures(each, case.regions, NAMES) for each in (case.findings, warned))
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


def test_the_letter_of_the_status_is_drawn_beside_every_node_and_in_the_legend() -> None:
    case = build_case()
    sheet = _open(contact_sheet(case.findings, case.regions, NAMES))
    for node in case.findings.nodes:
        others = tuple(each for each in case.findings.nodes if each is not node)
        lacking = _open(contact_sheet(replace(case.findings, nodes=(*others,)), case.regions, NAMES))
        assert len(_near(sheet, STATUS_COLOURS[node.status])) > len(_near(lacking, STATUS_COLOURS[node.status]))
        assert len(_near(sheet[-66:], STATUS_COLOURS[node.status])) > 20


def test_a_slice_is_called_by_the_number_that_a_viewer_shows_and_then_by_its_place() -> None:
    case = build_case(flips=(True, False, False))
    for number, header in enumerate(case.series.headers, start=101):
        header.InstanceNumber = number
    del case.series.headers[3].InstanceNumber
    names = slice_names(case.regions, case.series)
    for index, name in enumerate(names):
        z_mm = case.regions.image.index_to_lps_mm((index, 0, 0))[2]
        (header,) = (each for each in case.series.headers if abs(float(each.ImagePositionPatient[2]) - z_mm) < 1e-6)
        place = f"slice {index + 1}/10"
        assert name == (f"image {header.InstanceNumber}, {place}" if "InstanceNumber" in header else place)
    assert slice_names(case.regions, None) == NAMES


def test_a_slice_of_an_enhanced_image_is_called_by_its_frame() -> None:
    case = build_case(enhanced=True)
    assert slice_names(case.regions, case.series)[0] == "frame 10, slice 1/10"


def test_sizes_of_a_node_that_the_edge_cuts_are_written_as_lower_bounds() -> None:
    case = build_case()
    whole = case.findings.nodes[0]
    cut = replace(whole, cut_by_image=True)
    assert describe_node(cut) == (
        "Status positive, short axis >= 9.0 mm, long axis >= 11.0 mm, cut by the edge of the image"
    )
    assert describe_node(whole) == "Status positive, short axis 9.0 mm, long axis 11.0 mm"
    assert key_image(cut, case.regions, NAMES) != key_image(whole, case.regions, NAMES)


@pytest.mark.parametrize("with_nodes", [False, True])
def test_the_corners_that_viewers_write_into_are_left_free(with_nodes: bool) -> None:
    case = build_case(with_nodes=with_nodes)
    picture = _open(key_pictures(case.findings, case.regions, NAMES)[0].image)
    rows, columns = (44, 60), picture.shape[1] // 7
    for corner in (picture[: rows[0], :columns], picture[: rows[0], -columns:],
                   picture[-rows[1] :, :columns], picture[-rows[1] :, -columns:]):  # fmt: skip
        assert np.all(corner == corner[0, 0])


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
