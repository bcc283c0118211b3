"""Writing everything that a case leaves behind.

What writes DICOM takes a second to import (highdicom): only a case that gets DICOM objects waits for it.
"""

from collections.abc import Sequence
from datetime import datetime
from io import BytesIO

import pydicom
from PIL.Image import Image
from pydicom.dataset import Dataset

from runtime.core.findings import Findings
from runtime.core.findings_json import to_json
from runtime.core.series import Series
from runtime.report.html_page import html_report
from runtime.report.pdf_document import pdf_report
from runtime.results.artefact import Artefact
from runtime.results.context import ResultContext, result_context
from runtime.results.gate_card import GatePicture
from runtime.results.key_images import KeyPicture, contact_sheet, key_pictures, to_png
from runtime.results.regions import CaseRegions
from runtime.results.settings import DEFAULT_RESULT_SETTINGS, ResultSettings
from runtime.results.source import SourceImages, refused_images, source_images
from runtime.results.superseding import EarlierReport


def write_artefacts(
    findings: Findings,
    regions: CaseRegions | None,
    *,
    series: Series | None,
    created: datetime,
    refused_headers: Sequence[Dataset] = (),
    settings: ResultSettings = DEFAULT_RESULT_SETTINGS,
    earlier: EarlierReport | None = None,
    gate_images: Sequence[GatePicture] = (),
) -> tuple[Artefact, ...]:
    """Return the files of one case; the same arguments give the same bytes.

    Bare voxels (`series` is None) give `findings.json`, the report for people and the key images, a DICOM series also
    `report.dcm`, `segmentation.dcm` (unless nothing was segmented, which the report then says), `captures/*.dcm` and
    `key_objects.dcm`. A refused case (`regions` is None) gives `findings.json`, the report for people and, when the
    headers of `series` or else `refused_headers` tell one patient and study, a `report.dcm` with the reasons.

    `created` is the time of the analysis; whoever repeats it must give the same one. `earlier` is the report of an
    earlier analysis of the study, which the new one supersedes unless it is the same. `gate_images` are the pictures of
    quality checks and become `gates/<code>.png`, of a refused case too. Raises `ValueError` when findings and regions
    do not belong together, or when the findings of an analysed case name no model.
    """
    artefacts = [Artefact("findings.json", "application/json", to_json(findings).encode())]
    drawn: list[Artefact] = []
    if regions is None:
        source = refused_images(series.headers if series else refused_headers)
        if source is not None:
            from runtime.results.refusal_report import build_refusal_report

            context = _context(source, findings, created, settings, earlier)
            artefacts.append(_dicom("report.dcm", build_refusal_report(context)))
    else:
        pictures = key_pictures(findings, regions)
        if series is not None:
            context = _context(source_images(series), findings, created, settings, earlier)
            artefacts += write_dicom(context, regions, pictures)
        drawn += [_png(f"keyimages/{each.name}.png", each.image) for each in pictures]
        drawn.append(_png("contact_sheet.png", contact_sheet(findings, regions)))
    drawn += [_png(f"{each.name}.png", each.image) for each in gate_images]
    return (*artefacts, *drawn, *_for_people(findings, drawn, created))


def _for_people(findings: Findings, drawn: Sequence[Artefact], created: datetime) -> tuple[Artefact, ...]:
    """Return the report as a page and as a document for print, with the pictures drawn so far."""
    pictures = {each.name: each.data for each in drawn}
    return (
        Artefact("report.html", "text/html", html_report(findings, pictures, created)),
        Artefact("report.pdf", "application/pdf", pdf_report(findings, pictures, created)),
    )


def _context(
    source: SourceImages,
    findings: Findings,
    created: datetime,
    settings: ResultSettings,
    earlier: EarlierReport | None,
) -> ResultContext:
    supersedes = None if earlier is None else earlier.superseded_by(source.uids, findings, settings)
    return result_context(source, findings, created, settings, supersedes)


def write_dicom(context: ResultContext, regions: CaseRegions, pictures: Sequence[KeyPicture]) -> list[Artefact]:
    """Return SEG (unless nothing was segmented), SR, key images and key objects of an analysed case."""
    if context.findings.model is None:
        raise ValueError("findings of an analysed case must name the model")
    from runtime.results.key_objects import build_key_objects, slices_with_nodes
    from runtime.results.secondary_capture import build_captures, picture_sources
    from runtime.results.segmentation_object import build_segmentation
    from runtime.results.structured_report import build_report

    segmentation = build_segmentation(context, regions)
    report = build_report(context, regions, segmentation)
    captures = build_captures(context, pictures, regions)
    slices = slices_with_nodes(context, regions) or picture_sources(context, pictures[0], regions)
    objects: dict[str, Dataset] = {} if segmentation is None else {"segmentation.dcm": segmentation.dataset}
    objects["report.dcm"] = report
    objects.update({f"captures/{each.name}.dcm": data for each, data in zip(pictures, captures, strict=True)})
    objects["key_objects.dcm"] = build_key_objects(context, slices, captures, segmentation, report)
    return [_dicom(name, dataset) for name, dataset in objects.items()]


def _png(name: str, image: Image) -> Artefact:
    return Artefact(name, "image/png", to_png(image))


def _dicom(name: str, dataset: Dataset) -> Artefact:
    return Artefact(name, "application/dicom", _encode(dataset))


def _encode(dataset: Dataset) -> bytes:
    """Return a dataset as a DICOM file in memory."""
    buffer = BytesIO()
    pydicom.dcmwrite(buffer, dataset, enforce_file_format=True)
    return buffer.getvalue()
