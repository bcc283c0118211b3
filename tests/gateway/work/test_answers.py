"""Which objects of a case folder may leave, and by which word or class a rule names them."""

from pathlib import Path

import pydicom
import pytest
from pydicom.uid import UID, EncapsulatedPDFStorage

from base.errors import SettingInvalid
from gateway.rejecting import REJECTION
from gateway.site.parts import ALL_OBJECTS, Delivery
from gateway.work.answers import objects_in


def _write(folder: Path, name: str, source: Path, sop_class: str) -> None:
    dataset = pydicom.dcmread(source)
    dataset.SOPClassUID = dataset.file_meta.MediaStorageSOPClassUID = UID(sop_class)
    file = folder / name
    file.parent.mkdir(parents=True, exist_ok=True)
    dataset.save_as(file)


def test_an_object_of_another_kind_goes_by_its_class_and_after_those_it_may_refer_to(
    series: list[Path], tmp_path: Path
) -> None:
    for name, sop_class in (
        ("printed.dcm", EncapsulatedPDFStorage),
        ("report.dcm", "1.2.840.10008.5.1.4.1.1.88.34"),
        ("captures/1.dcm", "1.2.840.10008.5.1.4.1.1.7"),
        (f"{REJECTION}1.dcm", "1.2.840.10008.5.1.4.1.1.88.59"),
    ):
        _write(tmp_path, name, series[0], sop_class)
    (tmp_path / "broken.dcm").write_bytes(b"nothing")
    assert list(objects_in(tmp_path).items()) == [
        ("captures/1.dcm", "captures"),
        ("report.dcm", "report"),
        ("printed.dcm", str(EncapsulatedPDFStorage)),
    ]


def test_a_rule_sends_what_it_names_by_word_or_class_and_nothing_of_another_class_by_itself() -> None:
    assert Delivery("pacs").objects == ALL_OBJECTS
    assert Delivery("pacs", ("report", str(EncapsulatedPDFStorage))).objects[1] == "1.2.840.10008.5.1.4.1.1.104.1"
    for wrong in ("pdf", "1.02.3", "1." + "2" * 63, ""):
        with pytest.raises(SettingInvalid, match="or a SOP Class UID"):
            Delivery("pacs", (wrong,))
