"""Tables of labels and of cases are read in every form a study has them in, and say what is not allowed."""

from pathlib import Path

import numpy as np
import pytest

from base.errors import SettingInvalid
from core.labelmaps import ForeignLabels
from core.labels import LABEL_NAMES
from core.volume import Volume
from training.intake.case_table import read_case_table
from training.intake.label_table import LabelTable, read_label_table

TOML = """
[values]
10 = "external_iliac_inguinal"
11 = "OB"
[names]
"Pos. Node" = "node_positive"
"""
CSV = "value;label\n10;EI\n11;obturator\n"
ITK_SNAP = """\
################################################
# ITK-SnAP Label Description File
################################################
    0     0    0    0        0  0  0    "Clear Label"
    1   160   32  240        1  1  1    "EI"
    2     0  255    0        1  1  1    "OB"
    3   255    0    0        1  1  1    "II"
    4     0    0  255        1  1  1    "negative node"
    5   255  255    0        1  1  1    "Positive Node"
    6     0  255  255        1  1  1    "Label 6"
"""


def written(folder: Path, name: str, text: str) -> Path:
    path = folder / name
    path.write_text(text, encoding="utf-8")
    return path


def mask(names: dict[int, str] | None = None, own: dict[int, int] | None = None) -> ForeignLabels:
    volume = Volume(np.zeros((1, 1, 1), dtype=np.uint16), (1.0, 1.0, 1.0), (0.0, 0.0, 0.0), np.eye(3))
    return ForeignLabels(volume, "", own, names or {})


def test_a_toml_table_has_values_and_names(tmp_path: Path) -> None:
    table = read_label_table(written(tmp_path, "labels.toml", TOML))
    assert table.values == {10: 1, 11: 2}
    assert table.names == {"pos. node": 5}


def test_a_csv_table_may_have_semicolons_and_the_studys_short_names(tmp_path: Path) -> None:
    assert read_label_table(written(tmp_path, "labels.csv", CSV)).values == {10: 1, 11: 2}


@pytest.mark.parametrize("name", ["snap.label", "snap.txt"])
def test_itk_snaps_own_file_is_a_table(name: str, tmp_path: Path) -> None:
    table = read_label_table(written(tmp_path, name, ITK_SNAP))
    assert table.values == {label: label for label in LABEL_NAMES.values()}


@pytest.mark.parametrize(
    ("name", "text", "said"),
    [
        ("a.csv", "value,label\n1,tumour\n", "'tumour'.*external_iliac_inguinal"),
        ("a.csv", "value,label\n1,EI\n1,OB\n", "each value and name once"),
        ("a.csv", "value,name,label\n1,x,EI\n", "a whole number as value, or a name"),
        ("a.csv", "number,what\n1,EI\n", "CSV"),
        ("a.csv", "", "CSV"),
        ("a.toml", "[values]\nx = 'EI'\n", "whole numbers as keys"),
        ("a.toml", "[labels]\n1 = 'EI'\n", r"\[values\] and \[names\] alone"),
        ("a.toml", "= 3", "valid TOML"),
        ("a.toml", "", "value or a segment's name"),
    ],
)
def test_a_table_that_means_nothing_says_what_is_allowed(name: str, text: str, said: str, tmp_path: Path) -> None:
    with pytest.raises(SettingInvalid, match=said):
        read_label_table(written(tmp_path, name, text))


def test_names_count_before_codes_and_codes_before_values() -> None:
    table = LabelTable({1: 3}, {"node +": 5})
    assert table.meanings_of(mask(names={7: "Node +", 8: "other"}, own={7: 4})) == {0: 0, 7: 5}
    assert LabelTable({1: 3}).meanings_of(mask(own={7: 4})) is None
    assert LabelTable({1: 3}).meanings_of(mask()) == {0: 0, 1: 3}
    assert LabelTable().meanings_of(mask()) is None


def test_only_coded_segments_without_a_table_leave_the_status_open() -> None:
    assert LabelTable().leaves_status_open(mask(own={7: 4}))
    assert not LabelTable().leaves_status_open(mask())
    assert not LabelTable({}, {"n": 5}).leaves_status_open(mask(names={7: "n"}, own={7: 4}))


def test_the_table_of_cases_leaves_to_the_files_what_it_does_not_say(tmp_path: Path) -> None:
    text = "case,mask,hospital,accept\na,a.nii,north,\nb,b.nii,,one_sided mirrored_left_right\n"
    first, second = read_case_table(written(tmp_path, "cases.csv", text))
    assert (first.image, first.patient, first.hospital, first.split) == ("", "", "north", None)
    assert second.hospital == "unknown"
    assert second.accept == {"one_sided", "mirrored_left_right"}


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("case,mask\n", "one row per case"),
        ("name,mask\na,b\n", "the columns case, mask"),
        ("case,mask,hospitl\na,b,c\n", r"3 columns, among them 'hospitl' \(meant hospital\?\)"),
        ("case,mask\na/b,x\n", "line 2: a case name of 3 characters"),
        ("case,mask\na,\n", "line 2: no mask"),
        ("case,mask\na,x\na,y\n", "each case once"),
        ("case,mask\na,x,y\n", "line 2: too many values"),
        ("case,mask,split\na,x,val\n", "train, test, or nothing"),
        ("case,mask,accept\na,x,label_map_mismatch\n", "any of mask_shifted, mirrored_front_back"),
    ],
)
def test_a_table_of_cases_that_cannot_be_right_names_the_line(text: str, said: str, tmp_path: Path) -> None:
    with pytest.raises(SettingInvalid, match=said):
        read_case_table(written(tmp_path, "cases.csv", text))


def test_no_patient_stands_in_an_error(tmp_path: Path) -> None:
    path = written(tmp_path, "cases.csv", "case,mask,patient,split\na,masks/DOE_JANE.nii,DOE^JANE,val\n")
    with pytest.raises(SettingInvalid) as refused:
        read_case_table(path)
    assert "DOE" not in str(refused.value)
