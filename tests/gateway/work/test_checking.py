"""What is proved of a result before it leaves, on a real one."""

from collections.abc import Callable
from pathlib import Path

import pydicom
import pytest
import sidewall
from pydicom.dataset import FileDataset

from gateway.work.checking import NotProved, check_objects
from tests.fixtures.processes import ServerProcess

NAMES = ("segmentation.dcm", "report.dcm", "key_objects.dcm")


@pytest.fixture(scope="module")
def case(engine: ServerProcess, series: list[Path], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a case folder that the engine's answer fills."""
    folder = tmp_path_factory.mktemp("case") / "case"
    with sidewall.Client(engine.address) as client:
        client.analyze_series(series).save(folder)
    return folder


def _study(series: list[Path]) -> str:
    return str(pydicom.dcmread(series[0], stop_before_pixels=True).StudyInstanceUID)


def test_what_is_of_the_study_and_lies_where_it_lies_may_leave(case: Path, series: list[Path]) -> None:
    checked = check_objects(case, NAMES, series, _study(series))
    assert [each.name for each in checked] == list(NAMES)
    assert checked[0].sop_class == "1.2.840.10008.5.1.4.1.1.66.4"


def _shift(found: FileDataset) -> None:
    for frame in found.PerFrameFunctionalGroupsSequence:
        frame.PlanePositionSequence[0].ImagePositionPatient[2] += 1.5


def _mirror(found: FileDataset) -> None:
    shared = found.SharedFunctionalGroupsSequence[0]
    orientation = shared.PlaneOrientationSequence[0].ImageOrientationPatient
    orientation[0] = -orientation[0]


def _crop(found: FileDataset) -> None:
    found.Rows -= 1


def _other_frame(found: FileDataset) -> None:
    found.FrameOfReferenceUID = "1.2.3"


def _other_study(found: FileDataset) -> None:
    found.StudyInstanceUID = "1.2.3"


def _other_patient(found: FileDataset) -> None:
    found.PatientID = "SOMEBODY-ELSE"


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (_shift, "segmentation.dcm: frame 1 lies where the source has no slice"),
        (_mirror, "segmentation.dcm: frame 1 lies where the source has no slice"),
        (_crop, "segmentation.dcm has 63 rows and 64 columns, unlike the source"),
        (_other_frame, "segmentation.dcm has another frame of reference than the source"),
        (_other_study, "segmentation.dcm is of another study"),
        (_other_patient, "segmentation.dcm is of another patient"),
    ],
)
def test_what_is_flipped_shifted_or_of_somebody_else_does_not_leave(
    case: Path, series: list[Path], tmp_path: Path, change: Callable[[FileDataset], None], said: str
) -> None:
    """CASES 39."""
    found = pydicom.dcmread(case / "segmentation.dcm")
    change(found)
    found.save_as(tmp_path / "segmentation.dcm")
    with pytest.raises(NotProved) as error:
        check_objects(tmp_path, ["segmentation.dcm"], series, _study(series))
    assert str(error.value) == said
    assert "SOMEBODY" not in str(error.value)
