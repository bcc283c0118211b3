"""Under which name and UIDs a case goes into its results."""

from collections.abc import Iterable

from pydicom.dataset import Dataset

from core.case_names import keyed_hash, pseudonym
from core.findings import CaseIdentity, PatientHashes
from core.reading.elements import element_value
from core.reading.legal_values import legal_date, legal_text
from runtime.analysis.reading import ReadImages


def identify(
    case_id: str | None,
    salt: str,
    images: ReadImages | None,
    refused: Iterable[Dataset],
    created: str,
    *,
    with_study_date: bool = True,
) -> CaseIdentity:
    """Return who the case is: the caller's name for it, else a pseudonym made with `salt`, and UIDs of its series.

    `images` are None where reading refused: then `refused`, headers of the instances, and the time of the analysis
    tell the case apart.
    """
    study, series, frame = images.uids if images else (None, None, None)
    name = case_id or pseudonym(salt, study, series, *_told_apart_by(images, refused, created))
    header = images.headers[0] if images and images.headers else Dataset()
    return CaseIdentity(
        name,
        study,
        series,
        frame,
        (legal_date(header, "StudyDate") or None) if with_study_date else None,
        _patient(header, salt),
    )


def _patient(header: Dataset, secret: str) -> PatientHashes | None:
    """Return the patient under the site's secret: without one, anybody could try every ID and every date."""
    patient_id = str(element_value(header, "PatientID") or "").strip(" \0")
    if not secret or not patient_id:
        return None
    issuer = str(element_value(header, "IssuerOfPatientID") or "").strip(" \0")
    birth_date = legal_text(header, "PatientBirthDate")
    return PatientHashes(
        key=keyed_hash(secret, "key")[:8],
        patient_id=keyed_hash(secret, "patient ID", patient_id),
        issuer=keyed_hash(secret, "issuer", patient_id, issuer) if issuer else None,
        birth_date=keyed_hash(secret, "birth date", patient_id, birth_date) if birth_date else None,
    )


def _told_apart_by(images: ReadImages | None, refused: Iterable[Dataset], created: str) -> tuple[str, ...]:
    """Return what tells apart the cases without a series: bare voxels, and those refused while they were read."""
    if images is not None:
        return () if images.series else (images.voxel_digest,)
    uids = {str(header.get("SOPInstanceUID", "")) for header in refused} - {""}
    return tuple(sorted(uids)) or (created,)
