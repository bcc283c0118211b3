"""Writing everything that a case leaves behind.

What writes DICOM takes a second to import (highdicom): only a case that gets DICOM objects waits for it.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from io import BytesIO
from typing import TypeVar

import pydicom
from PIL.Image import Image
from pydicom.dataset import Dataset

from core.findings import Findings
from core.findings_json import to_json
from core.series import Series
from runtime.report.html_page import html_report
from runtime.report.pdf_document import pdf_report
from runtime.results.artefact import Artefact
from runtime.results.attempts import Attempts, LostFile
from runtime.results.case_pictures import CaseEvidence, case_pictures
from runtime.results.contact_sheet import contact_sheet
from runtime.results.context import ResultContext, result_context, uid_parts
from runtime.results.key_images import KeyPicture, key_pictures, to_png
from runtime.results.regions import CaseRegions
from runtime.results.settings import DEFAULT_RESULT_SETTINGS, ResultSettings
from runtime.results.slice_names import slice_names
from runtime.results.source import SourceImages, refused_images, source_images, study_facts
from runtime.results.superseding import EarlierReport
from runtime.results.then_and_now import EarlierStudy, pictures_then_and_now

_Built = TypeVar("_Built")
_Dataset = TypeVar("_Dataset", bound=Dataset)


@dataclass(frozen=True, eq=False)
class WrittenCase:
    """The files of one case, and what is said of those that are missing."""

    findings: Findings
    """As given, with the missing files named."""

    artefacts: tuple[Artefact, ...]
    lost: tuple[LostFile, ...]


def write_artefacts(
    findings: Findings,
    regions: CaseRegions | None,
    *,
    series: Series | None,
    created: datetime,
    refused_headers: Sequence[Dataset] = (),
    settings: ResultSettings = DEFAULT_RESULT_SETTINGS,
    earlier: EarlierReport | None = None,
    evidence: CaseEvidence | None = None,
    then: EarlierStudy | None = None,
) -> WrittenCase:
    """Return the files of one case; the same arguments give the same bytes.

    Bare voxels (`series` is None) give `findings.json`, the report for people and the key images, a DICOM series also
    `report.dcm`, `segmentation.dcm` (unless nothing was segmented, which the report then says), `captures/*.dcm` and
    `key_objects.dcm`. A refused case (`regions` is None) gives `findings.json`, the report for people and, when the
    headers of `series` or else `refused_headers` tell one patient and study, a `report.dcm` with the reasons.
    The settings may ask for `document.dcm`, of a refused case too, and `structure_set.dcm`.

    `created` is the time of the analysis, which the report for people says; DICOM objects have that of the study.
    `earlier` is the report of an earlier analysis of the study, which the new one supersedes unless it is the same.
    `evidence` is what the pictures of doubts are drawn from, which become `gates/<code>.png`, of a refused case too;
    None draws none. `then` is an earlier study whose images are drawn beside these.

    An unexpected error costs the file that it came up in: what would refer to it is written without the reference and
    marked incomplete, and the findings name it. Raises `ValueError` when findings and regions do not belong together,
    or when the findings of an analysed case name no model.
    """
    if series is not None and regions is not None and findings.model is None:
        raise ValueError("findings of an analysed case must name the model")
    attempts = Attempts()
    names = () if regions is None else slice_names(regions, series)
    pictures = _key_pictures(findings, regions, names, attempts, then)
    drawn = _drawn(findings, regions, names, pictures, evidence, attempts)
    headers = series.headers if series else refused_headers
    files: list[Artefact] = []
    if regions is None:
        context = attempts.make("report.dcm", lambda: _refusal_context(headers, findings, created, settings, earlier))
        files += write_refusal(context, drawn, attempts) if context else []
    elif series is not None:
        context = attempts.make("*.dcm", lambda: _context(source_images(series), findings, created, settings, earlier))
        files += write_dicom(context, regions, pictures, drawn, attempts) if context else []
    files += drawn
    told = headers or (evidence.headers if evidence else ())
    files += _for_people(attempts, findings, drawn, created, study_facts(told) if settings.names_study else ())
    findings = attempts.told(findings)
    return WrittenCase(
        findings, (Artefact("findings.json", "application/json", to_json(findings).encode()), *files), attempts.lost
    )


def _key_pictures(
    findings: Findings,
    regions: CaseRegions | None,
    names: Sequence[str],
    attempts: Attempts,
    then: EarlierStudy | None,
) -> Sequence[KeyPicture]:
    if regions is None:
        return ()
    own = attempts.make("keyimages/*.png", lambda: key_pictures(findings, regions, names)) or ()
    side_by_side = "keyimages/then_and_now_*.png"
    return (*own, *(attempts.make(side_by_side, lambda: pictures_then_and_now(findings, regions, then)) or ()))


def _drawn(
    findings: Findings,
    regions: CaseRegions | None,
    names: Sequence[str],
    pictures: Sequence[KeyPicture],
    evidence: CaseEvidence | None,
    attempts: Attempts,
) -> list[Artefact]:
    """Return all pictures of a case as PNG files."""
    drawn = [_png(f"keyimages/{each.name}.png", each.image, attempts) for each in pictures]
    if regions is not None:
        sheet = attempts.make("contact_sheet.png", lambda: contact_sheet(findings, regions, names))
        drawn.append(None if sheet is None else _png("contact_sheet.png", sheet, attempts))
    gates = () if evidence is None else attempts.make("gates/*.png", lambda: case_pictures(findings, evidence)) or ()
    drawn += [_png(f"{each.name}.png", each.image, attempts) for each in gates]
    return [each for each in drawn if each is not None]


def _refusal_context(
    headers: Sequence[Dataset],
    findings: Findings,
    created: datetime,
    settings: ResultSettings,
    earlier: EarlierReport | None,
) -> ResultContext | None:
    source = refused_images(headers)
    return None if source is None else _context(source, findings, created, settings, earlier)


def write_refusal(context: ResultContext, drawn: Sequence[Artefact], attempts: Attempts) -> list[Artefact]:
    """Return the SR of a refused case and, where the site wants one, the report for people as a DICOM object."""
    from runtime.results.refusal_report import build_refusal_report

    written = DicomFiles(attempts)
    report = written.keep("report.dcm", lambda: build_refusal_report(context), _itself)
    _keep_document(written, context, drawn, [report])
    return written.files


def _for_people(
    attempts: Attempts,
    findings: Findings,
    drawn: Sequence[Artefact],
    created: datetime,
    study: tuple[tuple[str, str], ...],
) -> list[Artefact]:
    """Return the report as a page and as a document for print, with the pictures drawn so far."""
    pictures = {each.name: each.data for each in drawn}
    page = attempts.make("report.html", lambda: html_report(attempts.told(findings), pictures, created, study))
    document = attempts.make("report.pdf", lambda: pdf_report(attempts.told(findings), pictures, created, study))
    made = (("report.html", "text/html", page), ("report.pdf", "application/pdf", document))
    return [Artefact(name, kind, data) for name, kind, data in made if data is not None]


def _context(
    source: SourceImages,
    findings: Findings,
    created: datetime,
    settings: ResultSettings,
    earlier: EarlierReport | None,
) -> ResultContext:
    settings = settings.avoiding(source.series_numbers)
    supersedes = None if earlier is None else earlier.superseded_by(uid_parts(source, created), findings, settings)
    return result_context(source, findings, created, settings, supersedes)


def write_dicom(
    context: ResultContext,
    regions: CaseRegions,
    pictures: Sequence[KeyPicture],
    drawn: Sequence[Artefact],
    attempts: Attempts,
) -> list[Artefact]:
    """Return SEG (unless nothing was segmented), SR, key images, what else the site wants, and key objects.

    Each is built and encoded before anything refers to it: what could not be is lost, and not referred to.
    """
    from runtime.results.key_objects import build_key_objects, slices_with_nodes
    from runtime.results.secondary_capture import build_capture, picture_sources
    from runtime.results.segmentation_object import build_segmentation
    from runtime.results.structure_set import build_structure_set
    from runtime.results.structured_report import build_report

    written = DicomFiles(attempts)
    segmentation = written.keep(
        "segmentation.dcm", lambda: build_segmentation(context, regions), lambda built: built.dataset
    )
    lost_segmentation = bool(attempts.lost) and attempts.lost[-1].name == "segmentation.dcm"
    report = written.keep(
        "report.dcm", lambda: build_report(context, regions, segmentation, incomplete=lost_segmentation), _itself
    )
    captures: list[Dataset] = []
    for number, picture in enumerate(pictures, start=1):
        build = partial(build_capture, context, picture, number, regions)
        capture = written.keep(f"captures/{picture.name}.dcm", build, _itself)
        captures += [] if capture is None else [capture]
    structures = None
    if context.settings.writes_structure_set:
        structures = written.keep("structure_set.dcm", lambda: build_structure_set(context, regions), _itself)
    segments = None if segmentation is None else segmentation.dataset
    document = _keep_document(written, context, drawn, [segments, report])
    missing = [lost.name for lost in attempts.lost]
    further = [each for each in (document, structures) if each is not None]

    def key_objects() -> Dataset:
        slices = slices_with_nodes(context, regions) or picture_sources(context, pictures, regions)
        return build_key_objects(context, slices, captures, segmentation, report, missing, further)

    written.keep("key_objects.dcm", key_objects, _itself)
    return written.files


def _keep_document(
    written: "DicomFiles", context: ResultContext, drawn: Sequence[Artefact], results: Sequence[Dataset | None]
) -> Dataset | None:
    """Return the report for people as a DICOM object; None where the site wants none, or it could not be written."""
    if not context.settings.writes_document:
        return None
    from runtime.results.encapsulated_document import build_document

    pictures = {each.name: each.data for each in drawn}
    findings = written.attempts.told(context.findings)
    made = [each for each in results if each is not None]
    return written.keep("document.dcm", lambda: build_document(context, findings, pictures, made), _itself)


class DicomFiles:
    """The DICOM objects of one case, each encoded before anything refers to it."""

    def __init__(self, attempts: Attempts) -> None:
        self.attempts = attempts
        self.files: list[Artefact] = []

    def keep(
        self, name: str, build: Callable[[], _Built | None], dataset_of: Callable[[_Built], Dataset]
    ) -> _Built | None:
        """Return what was built, and keep it as a file; None where there is none, or it could not be written."""

        def made() -> tuple[_Built, Artefact] | None:
            built = build()
            return None if built is None else (built, _dicom(name, dataset_of(built)))

        done = self.attempts.make(name, made)
        if done is None:
            return None
        self.files.append(done[1])
        return done[0]


def _itself(dataset: _Dataset) -> _Dataset:
    return dataset


def _png(name: str, image: Image, attempts: Attempts) -> Artefact | None:
    data = attempts.make(name, lambda: to_png(image))
    return None if data is None else Artefact(name, "image/png", data)


def _dicom(name: str, dataset: Dataset) -> Artefact:
    return Artefact(name, "application/dicom", _encode(dataset))


def _encode(dataset: Dataset) -> bytes:
    """Return a dataset as a DICOM file in memory."""
    buffer = BytesIO()
    pydicom.dcmwrite(buffer, dataset, enforce_file_format=True)
    return buffer.getvalue()
