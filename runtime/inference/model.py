"""A bundle made ready to segment: its folds compiled by one backend."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from base.errors import SettingInvalid
from base.processors import processors
from core.findings import ModelDescription
from core.judging.image_reference import ImageReference
from core.judging.input_statistics import InputReference
from core.judging.station_reference import StationReference
from core.progress import Monitor, Progress
from core.rules import ScoringRules
from core.segmentation import Segmentation
from core.volume import Volume
from runtime.bundle.loading import Bundle
from runtime.bundle.manifest import HalfPrecision
from runtime.inference.backends.protocol import Backend, Fold, FoldOptions, Precision
from runtime.inference.backends.registry import BACKENDS, make_backend
from runtime.inference.engine_cache import EngineCache
from runtime.inference.ensemble import EnsembleLogits, infer_folds
from runtime.inference.labelling import label_case
from runtime.inference.preparation import prepare

Mode = Literal["exact", "fast"]


@dataclass(frozen=True, eq=False)
class LoadedModel:
    """A bundle, its compiled folds and how they are run; may serve one case after the other."""

    bundle: Bundle
    backend_name: str
    mode: Mode
    precision: Precision
    """The least precise arithmetic of the folds."""

    folds: tuple[Fold, ...]

    threads: int = 1
    """Of what is done between the tiles and after them; the folds have their own."""

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
    def image_reference(self) -> ImageReference | None:
        """Limits of the gates on the image itself, if the bundle has them."""
        return self.bundle.image_reference

    @property
    def station_reference(self) -> StationReference | None:
        """How much of each station the training cases show, if the bundle says so."""
        return self.bundle.manifest.station_reference

    @property
    def knows_phantoms_only(self) -> bool:
        """Whether the model has never seen a patient."""
        return self.bundle.trained_on == "phantom"

    @property
    def warnings(self) -> tuple[str, ...]:
        """What every result of the model says."""
        return model_warnings(self.bundle)

    @property
    def label_map_sha256(self) -> None:
        """None: a model segments."""

    def describe(self) -> ModelDescription:
        """Return what the findings say about it."""
        return describe_model(self.bundle, self.backend_name, self.mode, self.threads)

    def segment(self, volume: Volume, monitor: Monitor, rules: ScoringRules | None = None) -> Segmentation:
        """Segment a canonical volume; raises `AnalysisCancelled` between tiles when the monitor says so.

        `rules` say where the folds' own opinions are kept (at node candidates); None takes the bundle's.
        """
        return self.segment_with_logits(volume, monitor, rules)[0]

    def segment_with_logits(
        self, volume: Volume, monitor: Monitor, rules: ScoringRules | None = None
    ) -> tuple[Segmentation, EnsembleLogits]:
        """Return what `segment` does, and the logits on the network's grid that it comes from."""
        manifest = self.bundle.manifest
        monitor.report(Progress("prepare", 0, 1))
        prepared = prepare(volume, manifest.preprocessing)
        logits = infer_folds(
            prepared.data, self.folds, manifest.tiling, monitor, half=self.mode == "exact", threads=self.threads
        )
        monitor.check()
        monitor.report(Progress("resample", 0, 1))
        rules = rules or manifest.scoring
        return label_case(volume, prepared, logits, manifest.preprocessing, rules, self.threads), logits


def describe_model(bundle: Bundle, backend: str, mode: Mode, threads: int) -> ModelDescription:
    """Return what the findings say about a bundle that is run so."""
    return ModelDescription(
        bundle_name=bundle.name,
        bundle_version=bundle.version,
        bundle_digest=bundle.digest,
        trained_on=bundle.trained_on,
        backend=backend,
        mode=mode,
        fold_count=len(bundle.manifest.folds),
        threads=threads,
    )


def model_warnings(bundle: Bundle) -> tuple[str, ...]:
    """Return what every result of a bundle's model says about it."""
    reasons = bundle.manifest.unproven
    return () if reasons is None else (f"the model is unproven: {reasons}",)


def load_model(
    bundle: Bundle,
    backend: str | None = None,
    mode: Mode = "exact",
    threads: int | None = None,
    engines: EngineCache | None = None,
) -> LoadedModel:
    """Compile the folds of a bundle, or take them from `engines` where they were kept.

    `backend` None takes the best one present; `threads` None or 0 takes all of use. Raises `BackendUnavailable`,
    `SettingInvalid` on an unknown backend or a mode that the bundle is not declared for, `BundleRejected` when a fold
    changed since the bundle was opened.
    """
    declared = bundle.manifest.modes
    if declared is not None and mode not in declared:
        raise SettingInvalid("mode", mode, f"{', '.join(declared)}: this bundle is declared for no other")
    engine = make_backend(backend, engines)
    options = FoldOptions(
        patch_size=bundle.manifest.tiling.patch_size,
        threads=processors().threads(threads or 0),
        precision=precision_of(engine.name, mode),
    )
    folds = _load_folds(bundle, engine, options)
    return LoadedModel(bundle, engine.name, mode, options.precision, folds, options.threads)


def precision_of(backend: str, mode: Mode) -> Precision:
    """Return what a backend computes in; `export/parity_gate.py` says how far each precision may lead."""
    return "float32" if mode == "exact" else BACKENDS[backend].fast_precision


def networks_of(bundle: Bundle, backend: str, precision: Precision) -> Iterator[bytes]:
    """Yield the ONNX file of every fold that a backend takes for a precision.

    Where a bundle has no networks in that precision, those in float32 serve, and the backend rounds what it may.
    """
    variant: HalfPrecision | None = None
    if precision != "float32" and BACKENDS[backend].reads_variants and precision in bundle.manifest.variants:
        variant = precision
    for index in range(len(bundle.manifest.folds)):
        yield bundle.fold_bytes(index, variant)


def _load_folds(bundle: Bundle, engine: Backend, options: FoldOptions) -> tuple[Fold, ...]:
    networks = networks_of(bundle, engine.name, options.precision)
    return tuple(engine.load_fold(network, options) for network in networks)
