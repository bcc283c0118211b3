"""The way of the data, whole: what the server, the command line and every later entry call."""

import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from runtime.core.deciding import decide, describe_refusal
from runtime.core.errors import CaseRefused
from runtime.core.findings import CaseContext, Findings
from runtime.core.gates import check_input, check_segmentation
from runtime.core.midline import fit_midline
from runtime.core.nodes import find_nodes
from runtime.core.progress import Monitor, Progress
from runtime.core.reading import read_series
from runtime.core.series import Series
from runtime.core.volume import Volume, canonicalise
from runtime.inference.model import LoadedModel
from runtime.results.artefacts import Artefact, write_artefacts


@dataclass(frozen=True)
class CaseInput:
    """One case to analyse: either DICOM or bare voxels."""

    dicom: Path | Sequence[Path | bytes] | None = None
    """A directory, a zip file, or the instances themselves (files or their bytes)."""

    volume: Volume | None = None
    """Voxels with geometry, any orientation, when there is no DICOM; gives findings and key images only."""

    is_phantom: bool = False
    """For `volume` only: whether the subject is a phantom; DICOM says so itself."""

    case_id: str | None = None
    """The caller's own name for the case; None derives a pseudonym from the UIDs."""

    context: CaseContext = CaseContext()


@dataclass(frozen=True)
class CaseResult:
    """Findings and the files that carry them; a refused case has findings that say why and no other artefact."""

    findings: Findings
    artefacts: tuple[Artefact, ...]
