"""The report for people as an Encapsulated PDF (PS3.3, A.45.1), for archives that show documents and no SR.

The same analysis gives the same bytes: unlike the file `report.pdf` it says neither when nor how fast the analysis was
made, nor the caller's own name for the case, since no UID depends on them.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Final

import highdicom as hd
from pydicom.dataset import Dataset
from pydicom.uid import EncapsulatedPDFStorage

from core.findings import Findings
from runtime.report.pdf_document import pdf_report
from runtime.report.words import TITLE
from runtime.results import codes
from runtime.results.context import ResultContext
from runtime.results.plain_object import plain_object, reference_to
from runtime.results.source import study_facts
from runtime.results.words import RESEARCH_WORDS

_CASE: Final = "as the DICOM header says"
"""In place of the caller's name for the case."""


def build_document(
    context: ResultContext, findings: Findings, pictures: Mapping[str, bytes], results: Sequence[Dataset]
) -> Dataset:
    """Return the document; `findings` are those to be told, with whatever files are missing.

    `pictures` are PNG files by their artefact names, `results` the objects of this analysis that it speaks of.
    """
    named = study_facts(context.source.instances) if context.settings.names_study else ()
    pdf = pdf_report(_repeatable(findings), pictures, context.created, named, with_time=False)
    document = plain_object(context, "document", EncapsulatedPDFStorage, "DOC")
    document.ContentDate, document.ContentTime = document.SeriesDate, document.SeriesTime
    document.AcquisitionDateTime = ""
    document.ConversionType = hd.sc.ConversionTypeValues.WSD.value
    document.BurnedInAnnotation = "YES" if named else "NO"
    document.DocumentTitle = f"{TITLE}: {RESEARCH_WORDS}"
    document.ConceptNameCodeSequence = [hd.sr.CodedConcept.from_code(codes.MEASUREMENT_REPORT)]
    document.VerificationFlag = "UNVERIFIED"
    document.SourceInstanceSequence = [reference_to(each) for each in (*context.source.instances, *results)]
    document.MIMETypeOfEncapsulatedDocument = "application/pdf"
    document.EncapsulatedDocumentLength = len(pdf)
    document.EncapsulatedDocument = pdf + b"\0" * (len(pdf) % 2)
    return document


def _repeatable(findings: Findings) -> Findings:
    """Return the findings without what another run of the same analysis does not have again."""
    model = None if findings.model is None else replace(findings.model, threads=None)
    case = replace(findings.case, case_id=_CASE)
    return replace(findings, case=case, model=model, timings_s={}, analysed_at=None)
