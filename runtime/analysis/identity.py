"""Under which name and UIDs a case goes into its results."""

from collections.abc import Iterable

from pydicom.dataset import Dataset

from core.case_names import pseudonym
from core.findings import CaseIdentity
from runtime.analysis.reading import ReadImages


def identify(
    case_id: str | None, salt: str, images: ReadImages | None, refused: Iterable[Dataset], created: str
) -> CaseIdentity:
    """Return who the case is: the caller's name for it, else a pseudonym made with `salt`, and UIDs of its series.

    `images` are None where reading refused: then `refused`, headers of the instances, and the time of the analysis
    tell the case apart.
    """
    study, series, frame = images.uids if images else (None, None, None)
    name = case_id or pseudonym(salt, study, series, *_told_apart_by(images, refused, created))
    return CaseIdentity(name, study, series, frame)


def _told_apart_by(images: ReadImages | None, refused: Iterable[Dataset], created: str) -> tuple[str, ...]:
    """Return what tells apart the cases without a series: bare voxels, and those refused while they were read."""
    if images is not None:
        return () if images.series else (images.voxel_digest,)
    uids = {str(header.get("SOPInstanceUID", "")) for header in refused} - {""}
    return tuple(sorted(uids)) or (created,)
