"""Selection on the real series: studies put together from the folders of three patients."""

import zipfile
from pathlib import Path

import numpy as np
import pytest

from core.errors import RefusalCode
from core.reading import read_series
from core.selection import Selection, Verdict, select_series
from tests.core.reading.test_reading_sources import directory_object, report_object

PX0000 = ("PX0000_adc", "PX0000_bval_missing_slice", "PX0000_t2_sag", "PX0000_t2_tra")
REPEATS = ("PX0001_t2_tra_series6", "PX0001_t2_tra_series10")


def files_of(shared_data: Path, *names: str) -> list[Path]:
    return [path for name in names for path in sorted((shared_data / "prostatex_t2" / name).glob("*.dcm"))]


def numbers(selection: Selection) -> list[int | None]:
    return [candidate.series_number for candidate in selection.candidates]


def test_the_axial_t2_of_a_patient_is_found_among_all_series_of_the_patient(shared_data: Path) -> None:
    selection = select_series(files_of(shared_data, *PX0000))
    assert selection.chosen is not None
    assert list(selection.require()) == files_of(shared_data, "PX0000_t2_tra")
    assert numbers(selection) == [4, 7, 8, 3]
    codes = {each.series_number: {str(reason.code) for reason in each.exclusions} for each in selection.candidates}
    assert codes == {
        3: {"not_axial"},
        4: set(),
        7: {"derived_image", "not_t2", "too_coarse"},
        8: {"derived_image", "not_t2", "too_coarse", "missing_slice"},
    }


def test_what_is_chosen_reads_as_the_series_alone_does(shared_data: Path) -> None:
    chosen = read_series(select_series(files_of(shared_data, *PX0000)).require())
    alone = read_series(shared_data / "prostatex_t2/PX0000_t2_tra")
    assert chosen.frames == alone.frames
    np.testing.assert_array_equal(chosen.volume.voxels, alone.volume.voxels)


def test_one_patients_series_is_found_beside_unfit_ones_of_another(shared_data: Path) -> None:
    selection = select_series(files_of(shared_data, *PX0000[:3], "PX0218_t2_tra"))
    assert selection.chosen is not None
    assert selection.chosen.series_number == 5
    assert "oblique" in {reason.code for reason in selection.chosen.reasons}


def test_fitting_series_of_three_patients_are_never_chosen_between(shared_data: Path) -> None:
    selection = select_series(shared_data / "prostatex_t2")
    (reason,) = selection.refusal
    assert reason.code is RefusalCode.SEVERAL_SERIES
    assert "series of 3 patients qualify" in reason.message


def test_two_repeats_are_a_tie_that_is_explained_and_settled_by_name(shared_data: Path) -> None:
    files = files_of(shared_data, *REPEATS)
    selection = select_series(files)
    (reason,) = selection.refusal
    assert reason.code is RefusalCode.TIED_SERIES
    assert "series 6 (1.3.6.1.4.1.14519" in reason.message
    assert "series 10 (1.3.6.1.4.1.14519" in reason.message
    assert {each.verdict for each in selection.candidates} == {Verdict.ELIGIBLE}
    for candidate, name in zip(selection.candidates, REPEATS, strict=True):
        named = select_series(files, series_uid=candidate.series_instance_uid)
        assert list(named.require()) == files_of(shared_data, name)


@pytest.mark.parametrize("names", [PX0000, REPEATS])
def test_the_order_of_the_files_never_matters(shared_data: Path, names: tuple[str, ...]) -> None:
    files = files_of(shared_data, *names)
    expected = select_series(files)
    for seed in range(3):
        order = np.random.default_rng(seed).permutation(len(files))
        selection = select_series([files[index] for index in order])
        assert selection.candidates == expected.candidates
        assert selection.refusal == expected.refusal
        assert sorted(map(str, selection.instances)) == sorted(map(str, expected.instances))


def test_an_archive_a_directory_and_contents_give_the_same(shared_data: Path, tmp_path: Path) -> None:
    files = files_of(shared_data, *PX0000)
    others = {"DICOMDIR": directory_object(), "report": report_object(), "notes.txt": b"hello"}
    archive, folder = tmp_path / "study.zip", tmp_path / "study"
    folder.mkdir()
    with zipfile.ZipFile(archive, "w") as opened:
        for name, content in others.items():
            opened.writestr(name, content)
            (folder / name).write_bytes(content)
        for index, path in enumerate(files):
            opened.write(path, f"S/{index}")
            (folder / f"IM{index}").symlink_to(path)
    whole = [path.read_bytes() for path in files]
    selections = [select_series(source) for source in (archive, folder, [*others.values(), *whole])]
    assert len({selection.candidates for selection in selections}) == 1
    assert [selection.warnings[:1] for selection in selections[:2]] == [(), ()]
    expected = sorted(path.read_bytes() for path in files_of(shared_data, "PX0000_t2_tra"))
    for selection in selections:
        contents = [each.read_bytes() if isinstance(each, Path) else each for each in selection.require()]
        assert sorted(contents) == expected


def test_reencoded_series_score_as_the_original(shared_data: Path) -> None:
    (original,) = select_series(shared_data / "prostatex_t2/PX0218_t2_tra").candidates
    for name in ("PX0218_jpegls", "PX0218_j2k", "legacy_enhanced_mr_j2k.dcm"):
        (candidate,) = select_series(shared_data / "prostatex_derived" / name).candidates
        assert (candidate.verdict, candidate.score) == (Verdict.ELIGIBLE, original.score)


def test_edge_cases_of_public_test_suites_are_all_listed_and_none_is_chosen(shared_data: Path) -> None:
    selection = select_series(shared_data / "dicom_edge")
    assert [reason.code for reason in selection.refusal] == [RefusalCode.NO_SUITABLE_SERIES]
    assert len(selection.candidates) > 40
    assert all(candidate.exclusions for candidate in selection.candidates)


def test_the_carried_series_is_chosen_from_itself(real_series: Path) -> None:
    selection = select_series(real_series)
    assert list(selection.require()) == sorted(real_series.glob("*.dcm"))
    assert selection.warnings == ()
