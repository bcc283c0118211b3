"""Patients made from people's maps: complete, different, repeatable, their stations by the one rule."""

import json
import re
import subprocess
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

from core.labels import EXTERNAL_ILIAC, INTERNAL_ILIAC, OBTURATOR, STATION_LABELS
from phantom.__main__ import app
from phantom.anatomy import SIDEWALL_TISSUES, TISSUES
from phantom.case import PhantomCase, PhantomOptions, generate_case, plan_case
from phantom.people.composing import draw_bend
from phantom.people.registration import coarse_nodes
from phantom.stations import beyond_wall
from tests.fixtures.person_of_shapes import write_person

REPOSITORY = Path(__file__).parents[3]
FULL = {"node_count": 3, "patient_positive": True, "truncated": False}

VOXEL_FILES = (
    ".nii",
    ".nii.gz",
    ".nrrd",
    ".nhdr",
    ".mha",
    ".mhd",
    ".stl",
    ".obj",
    ".ply",
    ".vtk",
    ".vtp",
    ".gii",
    ".npy",
)
"""Endings of voxel maps and meshes."""


@pytest.fixture(scope="session")
def maps(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with the map of nobody."""
    folder = tmp_path_factory.mktemp("maps")
    write_person(folder)
    return folder


@pytest.fixture(scope="session")
def case(maps: Path) -> PhantomCase:
    return generate_case(12, options=PhantomOptions(anatomy=maps, **FULL))  # type: ignore[arg-type]


def test_every_station_is_there_on_both_sides_and_holds_no_muscle_bone_or_organ(case: PhantomCase) -> None:
    allowed = [TISSUES[name] for name in SIDEWALL_TISSUES]
    half = case.labels.shape[2] // 2
    for value in STATION_LABELS:
        mask = case.labels.voxels == value
        assert mask[:, :, :half].sum() > 300
        assert mask[:, :, half:].sum() > 300
        assert np.isin(case.tissues.voxels[mask], allowed).all()


def test_every_node_lies_in_its_image_with_its_station(case: PhantomCase) -> None:
    assert case.people == ("shape_1",)
    assert len(case.nodes) == 3
    assert case.patient_positive
    for node in case.nodes:
        assert (case.node_ids.voxels == node.id).sum() > 10


def test_the_same_seed_gives_the_same_patient_and_another_seed_another(maps: Path) -> None:
    plans = [plan_case(seed, options=PhantomOptions(anatomy=maps)) for seed in (5, 5, 6)]
    ends = [plan.body.sides[0].external_artery.points for plan in plans]
    assert np.array_equal(ends[0], ends[1])
    assert len(ends[0]) != len(ends[2]) or np.abs(ends[0] - ends[2]).max() > 2


def test_left_and_right_differ_in_every_bend() -> None:
    shift = draw_bend(np.random.default_rng(3)) - coarse_nodes()
    assert np.abs(shift[0] + shift[0][:, :, ::-1]).mean() > 0.5


def test_the_obturator_station_lies_between_vein_and_canal(maps: Path, case: PhantomCase) -> None:
    """Borders of FACTS, part 2: behind the external iliac vein, down to the canal; internal iliac behind and medial."""
    plan = plan_case(12, options=PhantomOptions(anatomy=maps, **FULL))  # type: ignore[arg-type]
    index = np.argwhere(case.labels.voxels == OBTURATOR)
    body = plan.grid.index_to_body(index)
    left = body[body[:, 0] > 0]
    assert left[:, 2].min() > plan.body.left.canal_mm - 4
    outer = {
        value: np.median(np.abs(plan.grid.index_to_body(np.argwhere(case.labels.voxels == value))[:, 1]))
        for value in (EXTERNAL_ILIAC, INTERNAL_ILIAC)
    }
    assert outer[EXTERNAL_ILIAC] > 20 > -20


def test_no_obturator_station_lies_beyond_the_muscle_that_bounds_it(maps: Path, case: PhantomCase) -> None:
    """Fat of the hip joint and in front of the pubic bone is as bright, and lies lateral of muscle and bone."""
    plan = plan_case(12, options=PhantomOptions(anatomy=maps, **FULL))  # type: ignore[arg-type]
    index = np.moveaxis(np.indices(case.labels.shape), 0, -1)
    x, _, z = np.moveaxis(plan.grid.index_to_body(index.reshape(-1, 3)).reshape(index.shape), -1, 0)
    for side in plan.body.sides:
        mine = (case.labels.voxels == OBTURATOR) & (side.sign * x > 0)
        assert mine.any()
        assert not (mine & beyond_wall(side, case.tissues.voxels, x, z)).any()


def test_random_contrast_changes_the_image_alone(maps: Path, case: PhantomCase) -> None:
    other = generate_case(12, options=PhantomOptions(anatomy=maps, contrast="random", **FULL))  # type: ignore[arg-type]
    assert np.array_equal(other.labels.voxels, case.labels.voxels)
    assert not np.array_equal(other.image.voxels, case.image.voxels)


def test_any_coverage_shows_fields_and_tilts_beyond_a_rectal_protocol(maps: Path) -> None:
    drawn = [plan_case(seed, options=PhantomOptions(coverage="any")) for seed in range(16)]
    fields = [plan.grid.shape[1] * plan.grid.spacing_mm[1] for plan in drawn]
    assert min(fields) < 230
    assert max(fields) > 330
    assert max(plan.grid.tilt_deg for plan in drawn) > 22


def test_the_command_names_whose_maps_a_patient_has_and_what_it_cannot_use(maps: Path, tmp_path: Path) -> None:
    there = ["--seed", "3", "--out", str(tmp_path), "--anatomy", str(maps)]
    wrong = CliRunner().invoke(app, [*there, "--leave-out", "me"])
    assert wrong.exit_code == 2
    assert "nobody is called me; there are shape_1" in wrong.output
    made = CliRunner().invoke(app, [*there, "--format", "nifti", "--json"])
    assert made.exit_code == 0, made.output
    assert json.loads((tmp_path / "seed_0003" / "truth.json").read_text())["people"] == ["shape_1"]


def test_a_patient_of_real_maps_is_whole(shared_data: Path) -> None:
    """Two people suffice: bones of one, vessels or deep muscles of the other, registered by their bones."""
    kept = ("pelvic_ref_004", "totalsegmentator_b")
    names = [path.name.removesuffix(".nii.gz") for path in (shared_data / "anatomy").glob("*.nii.gz")]
    left_out = tuple(sorted(set(names) - set(kept)))
    options = PhantomOptions(anatomy=shared_data / "anatomy", left_out=left_out, **FULL)  # type: ignore[arg-type]
    case = generate_case(1, options=options)
    assert set(case.people) <= set(kept)
    counts = {value: int((case.labels.voxels == value).sum()) for value in STATION_LABELS}
    volume_ml = {value: count * case.labels.voxel_volume_mm3 / 1000 for value, count in counts.items()}
    assert all(15 < volume < 250 for volume in volume_ml.values()), volume_ml


def test_no_voxel_map_or_mesh_is_committed() -> None:
    """What is made from people's maps stays with them; golden cases and test data are images of phantoms and DICOM."""
    try:
        listed = subprocess.run(["git", "ls-files"], cwd=REPOSITORY, capture_output=True, text=True, check=True)
    except (OSError, subprocess.CalledProcessError):
        pytest.skip("no git checkout: what is committed cannot be listed")
    found = [name for name in listed.stdout.splitlines() if name.endswith((*VOXEL_FILES, ".npz"))]
    golden = re.compile(r"models/\w+/golden/(input|expected)\.npz")
    assert [name for name in found if not golden.fullmatch(name)] == []
