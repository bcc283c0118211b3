"""Cases made to be refused before anything is segmented: one at least for every reason that reading can have."""

from collections.abc import Callable, Iterator
from copy import deepcopy
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final

import numpy as np
from pydicom.dataset import Dataset
from pydicom.uid import CTImageStorage
from sidewall.v1 import analysis_pb2

from benchmarks.gate_cases import GateCase, Material, Trial, on_grid, true_labels
from core.errors import RefusalCode
from core.labelmaps import read_label_map
from phantom.dicom_series import encode_instance
from runtime.analysis.case import AboutCase, CaseInput
from runtime.analysis.images import BareVolume, DicomSeries, DicomStudy
from runtime.serving.uploads import UploadLimits, read_series_upload

_SAGITTAL: Final = [0, 1, 0, 0, 0, -1]
"""Rows run to posterior, columns to the feet."""


def _with_tags(**tags: Any) -> Callable[[Material], Trial]:
    """Return what makes the trial of the phantom with these attributes in every instance."""
    return lambda material: material.refused(material.slices(**tags))


def _changed(change: Callable[[list[Dataset]], None]) -> Callable[[Material], Trial]:
    """Return what makes the trial of the phantom's instances after a change in place."""

    def make(material: Material) -> Trial:
        """Return the trial of the changed instances."""
        slices = material.slices()
        change(slices)
        return material.refused(slices)

    return make


def _nothing(material: Material) -> Trial:
    return Trial(CaseInput(DicomSeries([]), AboutCase("made")), material.model)


def _half_a_header(material: Material) -> Trial:
    files = material.files()
    files[-1] = files[-1][:700]
    return Trial(CaseInput(DicomSeries(files), AboutCase("made")), material.model)


def _cut_file(material: Material) -> Trial:
    files = material.files()
    files[5] = files[5][:-1000]
    return Trial(CaseInput(DicomSeries(files), AboutCase("made")), material.model)


def _other_modality(slices: list[Dataset]) -> None:
    for dataset in slices:
        dataset.Modality = "CT"
        dataset.SOPClassUID = dataset.file_meta.MediaStorageSOPClassUID = CTImageStorage


def _sagittal(slices: list[Dataset]) -> None:
    for index, dataset in enumerate(slices):
        dataset.ImageOrientationPatient = _SAGITTAL
        dataset.ImagePositionPatient = [f"{float(dataset.SpacingBetweenSlices) * index:.6f}", "-90", "90"]


def _without_one(slices: list[Dataset]) -> None:
    del slices[len(slices) // 2]


def _every_other(slices: list[Dataset]) -> None:
    del slices[1::2]


def _repeated(slices: list[Dataset]) -> None:
    slices.append(deepcopy(slices[4]))
    slices[-1].PixelData = slices[5].PixelData


def _another_name(slices: list[Dataset]) -> None:
    for dataset in slices[10:]:
        dataset.PatientName = "ANOTHER^PHANTOM"


def _without_signal(slices: list[Dataset]) -> None:
    for dataset in slices:
        dataset.PixelData = bytes(len(dataset.PixelData))


def _same_place(slices: list[Dataset]) -> None:
    slices[5].ImagePositionPatient = slices[4].ImagePositionPatient


def _other_pixels(slices: list[Dataset]) -> None:
    slices[5].PixelSpacing = [2 * float(value) for value in slices[5].PixelSpacing]


def _no_place(slices: list[Dataset]) -> None:
    del slices[5].ImagePositionPatient


def _few(slices: list[Dataset]) -> None:
    del slices[4:]


def _other_series(slices: list[Dataset], number: int) -> list[Dataset]:
    """Return the instances as those of another series of the same study."""
    for dataset in slices:
        dataset.SeriesInstanceUID = f"{dataset.SeriesInstanceUID[:58]}.{number}"
        dataset.SOPInstanceUID = f"{dataset.SOPInstanceUID[:58]}.{number}"
        dataset.file_meta.MediaStorageSOPInstanceUID = dataset.SOPInstanceUID
        dataset.SeriesNumber = number
    return slices


def _two_series(material: Material) -> Trial:
    return material.refused([*material.slices(), *_other_series(material.slices(), 7)])


def _selected(material: Material, datasets: list[Dataset]) -> Trial:
    """Return the trial of what selection makes of a study."""
    study = DicomStudy([encode_instance(dataset) for dataset in datasets])
    return Trial(CaseInput(study, AboutCase("made")), material.model)


def _twins(material: Material) -> Trial:
    return _selected(material, [*material.slices(), *_other_series(material.slices(), 7)])


def _unfit_study(material: Material) -> Trial:
    t1 = material.slices(EchoTime=12, RepetitionTime=600)
    map_ = material.slices(ImageType=["DERIVED", "PRIMARY", "DIFFUSION", "ADC"])
    return _selected(material, [*t1, *_other_series(map_, 7)])


def _wide_pixels(material: Material) -> Trial:
    wide = on_grid(material.case, lambda volume: replace(volume, spacing_mm=(volume.spacing_mm[0], 1.6, 1.6)))
    return replace(material.with_case(wide), segmenter=material.model)


def _far_slices(material: Material) -> Trial:
    far = on_grid(material.case, lambda volume: replace(volume, spacing_mm=(7.5, *volume.spacing_mm[1:])))
    return replace(material.with_case(far), segmenter=material.model)


def _broken_transfer(material: Material) -> Trial:
    limits = UploadLimits(max_bytes=2**30, max_instances=1000)
    return Trial(read_series_upload(_upload(material), limits), material.model)


def _upload(material: Material) -> Iterator[analysis_pb2.AnalyzeSeriesRequest]:
    """Yield the messages of an upload that ends in the middle of an instance."""
    yield analysis_pb2.AnalyzeSeriesRequest(start=analysis_pb2.SeriesStart())
    for content in material.files()[:3]:
        chunk = analysis_pb2.InstanceChunk(data=content[: len(content) // 2], last=False)
        yield analysis_pb2.AnalyzeSeriesRequest(instance=chunk)


def _not_a_number(material: Material) -> Trial:
    voxels = material.case.image.voxels.astype(np.float32)
    voxels[3, 10, 10] = np.nan
    image = material.case.image.with_voxels(voxels)
    return Trial(CaseInput(BareVolume(image, is_phantom=True), AboutCase("made")), material.model)


def _no_label_map(material: Material) -> Trial:
    with TemporaryDirectory() as folder:
        path = Path(folder) / "labels.nii"
        path.write_bytes(b"This is no label map.\n")
        read_label_map(path)
    raise ValueError("a text was read as a label map")


def _labels_elsewhere(material: Material) -> Trial:
    labels = material.case.labels
    moved = true_labels(replace(material.case, labels=replace(labels, origin_lps_mm=(500.0, 500.0, 500.0))))
    return replace(material.with_labels(labels.voxels), segmenter=moved)


def _unknown_label(material: Material) -> Trial:
    labels = material.case.labels.voxels.copy()
    labels[0, :5, :5] = 77
    return material.with_labels(labels)


READING_CASES: Final = (
    GateCase(RefusalCode.EMPTY_INPUT, "no file at all", _nothing),
    GateCase(RefusalCode.NOT_DICOM, "the last slice cut off within its header", _half_a_header),
    GateCase(RefusalCode.SEVERAL_SERIES, "the instances of two series in one input", _two_series),
    GateCase(RefusalCode.MIXED_PATIENTS, "two names in one series", _changed(_another_name)),
    GateCase(RefusalCode.NO_SUITABLE_SERIES, "a study of a T1 series and an ADC map", _unfit_study),
    GateCase(RefusalCode.TIED_SERIES, "a study with the same series twice", _twins),
    GateCase(RefusalCode.NOT_MR, "modality and storage class are CT", _changed(_other_modality)),
    GateCase(RefusalCode.NOT_T2, "TE 12 ms and TR 600 ms, as of T1", _with_tags(EchoTime=12, RepetitionTime=600)),
    GateCase(RefusalCode.NOT_T2, "gradient echo", _with_tags(ScanningSequence="GR")),
    GateCase(RefusalCode.NOT_T2, "diffusion weighting, b = 800 s/mm2", _with_tags(DiffusionBValue=800.0)),
    GateCase(RefusalCode.NOT_T2, "fat suppression", _with_tags(ScanOptions="FS")),
    GateCase(
        RefusalCode.DERIVED_IMAGE,
        "image type of an ADC map",
        _with_tags(ImageType=["DERIVED", "PRIMARY", "DIFFUSION", "ADC"]),
    ),
    GateCase(RefusalCode.NOT_AXIAL, "sagittal slices", _changed(_sagittal)),
    GateCase(RefusalCode.MISSING_SLICE, "the middle slice left out", _changed(_without_one)),
    GateCase(RefusalCode.MISSING_SLICE, "every second slice left out", _changed(_every_other)),
    GateCase(RefusalCode.DUPLICATE_SLICE, "one instance UID with two contents", _changed(_repeated)),
    GateCase(RefusalCode.DUPLICATE_SLICE, "two slices at one place", _changed(_same_place)),
    GateCase(RefusalCode.MIXED_GEOMETRY, "one slice of twice the pixel spacing", _changed(_other_pixels)),
    GateCase(RefusalCode.MISSING_GEOMETRY, "one slice without a position", _changed(_no_place)),
    GateCase(RefusalCode.TOO_FEW_SLICES, "four slices", _changed(_few)),
    GateCase(RefusalCode.TOO_COARSE, "pixels of 1.6 mm", _wide_pixels),
    GateCase(RefusalCode.TOO_COARSE, "slices 7.5 mm apart", _far_slices),
    GateCase(RefusalCode.TOO_LARGE, "a stated matrix of 8192 x 8192", _with_tags(Rows=8192, Columns=8192)),
    GateCase(RefusalCode.UNREADABLE_PIXELS, "the end of one file cut off", _cut_file),
    GateCase(RefusalCode.NO_SIGNAL, "zeros in every slice", _changed(_without_signal)),
    GateCase(RefusalCode.UNSUPPORTED_PIXELS, "a colour palette", _with_tags(PhotometricInterpretation="PALETTE COLOR")),
    GateCase(RefusalCode.INCOMPLETE_TRANSFER, "an upload that ends within an instance", _broken_transfer),
    GateCase(RefusalCode.INVALID_VOLUME, "bare voxels, one of them not a number", _not_a_number),
    GateCase(RefusalCode.UNREADABLE_LABEL_MAP, "a text in the place of a label map", _no_label_map),
    GateCase(RefusalCode.LABEL_MAP_MISMATCH, "the label map moved by half a metre", _labels_elsewhere),
    GateCase(RefusalCode.UNKNOWN_LABEL, "the value 77 in the label map", _unknown_label),
)
"""Every code that refuses before anything is segmented, with what was done to bring it about."""
