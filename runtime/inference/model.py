"""A bundle made ready to segment: its folds compiled by one backend."""

import os
from dataclasses import dataclass
from typing import Final, Literal

from runtime.bundle.loading import Bundle
from runtime.core.findings import ModelDescription
from runtime.core.input_statistics import InputReference
from runtime.core.progress import Monitor, Progress
from runtime.core.rules import ScoringRules
from runtime.core.segmentation import Segmentation
from runtime.core.volume import Volume
from runtime.inference.backend import Fold, FoldOptions, Precision, make_backend
from runtime.inference.ensemble import infer_folds
from runtime.inference.labelling import label_case
from runtime.inference.preparation import prepare

Mode = Literal["exact", "fast"]

_PRECISION: Final[dict[Mode, Precision]] = {"exact": "float32", "fast": "bfloat16"}
"""bfloat16 halves the time where the processor has it. `benchmarks/parity.py` holds it to the exact mode's findings,
and to a Dice of 0.998 in every structure of at least 1,000 voxels on images like the training cases.
"""


@dataclass(frozen=True, eq=False)
class LoadedModel:
    """A bundle, its compiled folds and how they are run; may serve one case after the other."""

    bundle: Bundle
    backend_name: str
    mode: Mode
    folds: tuple[Fold, ...]

    @property
    def fold_count(self) -> int:
        """How many folds are averaged."""
        return len(self.folds)

    @property
    def rules(self) -> ScoringRules:
        """The scoring rules that the bundle carries."""
        return self.bundle.rules

    @property
    def input_reference(self) -> InputReference | None:
        """Statistics of the training cases' images, if the bundle has them."""
        return self.bundle.input_reference

    @property
    def knows_phantoms_only(self) -> bool:
        """Whether the model has never seen a patient."""
        return self.bundle.trained_on == "phantom"

    @property
    def label_map_sha256(self) -> None:
        """None: a model segments."""

    def describe(self) -> ModelDescription:
        """Return what the findings say about it."""
        return ModelDescription(
            bundle_name=self.bundle.name,
            bundle_version=self.bundle.version,
            bundle_digest=self.bundle.digest,
            trained_on=self.bundle.trained_on,
            backend=self.backend_name,
            mode=self.mode,
            fold_count=self.fold_count,
        )

    def segment(self, volume: Volume, monitor: Monitor, rules: ScoringRules | None = None) -> Segmentation:
        """Segment a canonical volume; raises `AnalysisCancelled` between tiles when the monitor says so.

        `rules` say where the folds' own opinions are kept (at node candidates); None takes the bundle's.
        """
        manifest = self.bundle.manifest
        monitor.report(Progress("prepare", 0, 1))
        prepared = prepare(volume, manifest.preprocessing)
        logits = infer_folds(prepared.data, self.folds, manifest.tiling, monitor, half=self.mode == "exact")
        monitor.check()
        monitor.report(Progress("resample", 0, 1))
        return label_case(volume, prepared, logits, manifest.preprocessing, rules or manifest.scoring)


def load_model(
    bundle: Bundle, backend: str | None = None, mode: Mode = "exact", threads: int | None = None
) -> LoadedModel:
    """Compile the folds of a bundle.

    `backend` None takes the best one installed; `threads` None or 0 takes every core. Raises `BackendUnavailable`,
    `SettingInvalid` on an unknown backend, `BundleRejected` when a fold changed since the bundle was opened.
    """
    engine = make_backend(backend)
    options = FoldOptions(
        patch_size=bundle.manifest.tiling.patch_size,
        threads=threads or os.cpu_count() or 1,
        precision=_PRECISION[mode],
    )
    folds = tuple(engine.load_fold(bundle.fold_bytes(index), options) for index in range(len(bundle.manifest.folds)))
    return LoadedModel(bundle, engine.name, mode, folds)
