"""Everything a case leaves behind, as named bytes."""

from dataclasses import dataclass
from datetime import datetime
from io import BytesIO

import pydicom
from pydicom.dataset import Dataset

from runtime.core.findings import Findings
from runtime.core.findings_json import to_json
from runtime.core.series import Series
from runtime.results.key_images import contact_sheet, key_image, stations_image
from runtime.results.regions import CaseRegions
from runtime.results.segmentation_object import build_segmentation
from runtime.results.source import source_images
from runtime.results.structured_report import build_report
from runtime.results.uids import result_uids


@dataclass(frozen=True)
class Artefact:
    """One file of a result."""

    name: str
    """Path relative to the case's folder, with forward slashes."""

    media_type: str
    data: bytes


def write_artefacts(
    findings: Findings, regions: CaseRegions | None, *, series: Series | None, created: datetime
) -> tuple[Artefact, ...]:
    """Return the files of one case; the same arguments give the same bytes.

    A refused case (`regions` is None) gives `findings.json` alone, bare voxels (`series` is None) the key images
    beside it, a DICOM series also `segmentation.dcm` and `report.dcm`. There is no SEG when nothing was segmented,
    which the report then says. `created` is the time of the analysis. Raises `ValueError` when findings and regions
    do not belong together.
    """
    artefacts = [Artefact("findings.json", "application/json", to_json(findings).encode())]
    if regions is None:
        return tuple(artefacts)
    if series is not None:
        artefacts += write_dicom(findings, regions, series, created)
    return (*artefacts, *write_pictures(findings, regions))


def write_pictures(findings: Findings, regions: CaseRegions) -> list[Artefact]:
    """Return a key image of every node (of the stations when there is none), and the contact sheet."""
    pictures = {f"keyimages/node_{node.id:02d}.png": key_image(node, regions) for node in findings.nodes}
    if not pictures:
        pictures["keyimages/stations.png"] = stations_image(findings, regions)
    pictures["contact_sheet.png"] = contact_sheet(findings, regions)
    return [Artefact(name, "image/png", data) for name, data in pictures.items()]


def write_dicom(findings: Findings, regions: CaseRegions, series: Series, created: datetime) -> list[Artefact]:
    """Return SEG (unless nothing was segmented) and SR; raises `ValueError` when the findings name no model.

    DICOM times are local: a time with a zone becomes this machine's wall clock.
    """
    created = created.astimezone().replace(tzinfo=None) if created.tzinfo else created
    if findings.model is None:
        raise ValueError("findings of an analysed case must name the model")
    source = source_images(series)
    uids = result_uids(series, findings, findings.model)
    segmentation = build_segmentation(source, findings, findings.model, regions, uids, created)
    report = build_report(source, findings, findings.model, regions, segmentation, uids, created)
    objects: dict[str, Dataset] = {} if segmentation is None else {"segmentation.dcm": segmentation.dataset}
    objects["report.dcm"] = report
    return [Artefact(name, "application/dicom", _encode(dataset)) for name, dataset in objects.items()]


def _encode(dataset: Dataset) -> bytes:
    """Return a dataset as a DICOM file in memory."""
    buffer = BytesIO()
    pydicom.dcmwrite(buffer, dataset, enforce_file_format=True)
    return buffer.getvalue()
