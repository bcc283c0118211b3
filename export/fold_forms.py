"""One fold in every form that a bundle carries, each checked on the engines that do it."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import onnx

from core.labels import LABEL_NAMES
from export.checkpoints import Checkpoint
from export.errors import ExportFailed
from export.onnx_forms import with_metadata
from export.onnx_half import in_half_precision
from export.onnx_parity import ExportError, FormPrecision, Reference, measure_error
from export.onnx_shuffle import with_pixel_shuffle
from runtime.bundle.manifest import HalfPrecision, Preprocessing, Tiling
from runtime.inference.backends.registry import available_backends
from runtime.inference.errors import BackendUnavailable

Metadata = dict[str, str]


@dataclass(frozen=True)
class Forms:
    """What to make of a fold besides float32 with a free batch size."""

    variants: tuple[HalfPrecision, ...] = ()
    """Lesser precisions."""

    pixel_shuffle: bool = False
    """Whether transposed convolutions are written as convolution and pixel shuffle, in every precision.

    At the paper's size this is a third faster with ONNX Runtime on a CPU and a twentieth slower with OpenVINO.
    """


@dataclass(frozen=True)
class NotRun:
    """A precision that an engine does not do here."""

    backend: str
    precision: FormPrecision
    reason: str


@dataclass(frozen=True)
class FormChecks:
    """What checking the forms of one fold on the engines said."""

    errors: tuple[ExportError, ...]
    not_run: tuple[NotRun, ...]


def file_name(fold: int, precision: FormPrecision) -> str:
    """Return the name of a fold's file: `fold_0.onnx`, `fold_0.float16.onnx`."""
    return f"fold_{fold}.onnx" if precision == "float32" else f"fold_{fold}.{precision}.onnx"


def make_forms(exported: bytes, forms: Forms, metadata: Metadata) -> dict[FormPrecision, bytes]:
    """Return the forms of an exported float32 fold, by precision; each says its precision in its metadata."""
    model = onnx.load_from_string(exported)
    model = with_pixel_shuffle(model) if forms.pixel_shuffle else model
    models: dict[FormPrecision, onnx.ModelProto] = {"float32": model}
    models |= {precision: in_half_precision(model, precision) for precision in forms.variants}
    return {
        precision: with_metadata(each, metadata | {"precision": precision}).SerializeToString(deterministic=True)
        for precision, each in models.items()
    }


def check_forms(contents: Mapping[FormPrecision, bytes], reference: Reference) -> FormChecks:
    """Measure every form on every engine that does it; raises `ExportFailed` beyond a gate, or where none does."""
    errors, not_run = list[ExportError](), list[NotRun]()
    for precision, content in contents.items():
        measured = len(errors)
        for backend in available_backends():
            try:
                errors.append(measure_error(reference, content, backend, precision))
            except BackendUnavailable as error:
                not_run.append(NotRun(backend, precision, _reason(error)))
        if len(errors) == measured:
            said = "; ".join(f"{each.backend}: {each.reason}" for each in not_run if each.precision == precision)
            raise ExportFailed(f"no engine here runs the fold in {precision}, so that nobody can vouch for it: {said}")
    return FormChecks(tuple(errors), tuple(not_run))


def fold_metadata(
    about: Mapping[str, str], fold: int, checkpoint: Checkpoint, preprocessing: Preprocessing, tiling: Tiling
) -> Metadata:
    """Return what an ONNX file says about itself: `about`, and what its tensors mean."""
    return dict(about) | {
        "fold": str(fold),
        "checkpoint_sha256": checkpoint.sha256,
        "labels": _json(LABEL_NAMES),
        "orientation": preprocessing.orientation,
        "patch_size": _json(tiling.patch_size),
        "spacing_mm": _json(preprocessing.spacing_mm),
    }


def _reason(error: BackendUnavailable) -> str:
    """Return an engine's own words, on one line."""
    return " ".join(str(error.__cause__ or error).split())[:300]


def _json(value: Mapping[str, Any] | Sequence[float]) -> str:
    return json.dumps(value)
