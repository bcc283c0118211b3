"""Type, unit and range of every value of a configuration, for its check and for docs/configurations.md."""

import math
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields, is_dataclass
from types import NoneType
from typing import Any, Final, Literal, get_args, get_origin, get_type_hints

from base.errors import SettingInvalid


@dataclass(frozen=True)
class Limits:
    """What a value may be, beyond its type."""

    unit: str
    """What it counts or measures; empty for words and pure numbers."""

    allowed: str
    """The range in words, as the error says it."""

    is_allowed: Callable[[Any], bool] = lambda _: True


def _counted(unit: str, lowest: int) -> Limits:
    return Limits(unit, f"whole number from {lowest}", lambda value: value >= lowest)


def _share(unit: str = "share") -> Limits:
    return Limits(unit, "0 to 1", lambda value: 0 <= value <= 1)


def _factors(unit: str) -> Limits:
    words = "two numbers above 0, the smaller first"
    return Limits(unit, words, lambda pair: 0 < pair[0] <= pair[1])


def _per_level(unit: str, words: str, is_allowed: Callable[[int], bool]) -> Limits:
    return Limits(unit, words, lambda values: all(is_allowed(each) for each in _flat(values)))


def _flat(values: Any) -> list[Any]:
    return [each for value in values for each in _flat(value)] if isinstance(values, tuple) else [values]


def _one_of(*words: str) -> Limits:
    return Limits("", ", ".join(words), lambda value: value in words)


# nnU-Net parts trainer, plans and resolution by two underscores, and the name is a part of folders.
_NAME: Final = re.compile(r"[A-Za-z0-9]+([_-][A-Za-z0-9]+)*")

_VOXELS: Final = Limits(
    "voxels (z, y, x)",
    "whole numbers from 1; per axis a multiple of the product of the strides",
    lambda size: min(size) >= 1,
)

VALUES: Final[Mapping[str, Limits]] = {
    "name": Limits("", "letters and digits, single _ and - between them", lambda name: bool(_NAME.fullmatch(name))),
    "planner": _one_of("config", "nnunet"),
    "network.features": _per_level("filters per level", "whole numbers from 1", lambda count: count >= 1),
    "network.kernel_sizes": _per_level(
        "voxels (z, y, x) per level", "odd whole numbers", lambda size: size >= 1 and size % 2 == 1
    ),
    "network.strides": Limits(
        "voxels (z, y, x) per level",
        "whole numbers from 1, [1, 1, 1] first",
        lambda strides: min(_flat(strides), default=0) >= 1 and set(strides[0]) == {1},
    ),
    "network.encoder_convolutions": _per_level("per level", "whole numbers from 1", lambda count: count >= 1),
    "network.decoder_convolutions": _per_level("per level", "whole numbers from 1", lambda count: count >= 1),
    "grid.patch": _VOXELS,
    "grid.batch": _counted("patches", 1),
    "grid.gpu_memory_gb": Limits("GB", "above 0, with planner = nnunet alone", lambda memory: memory > 0),
    "grid.spacing_mm": Limits("mm (z, y, x)", "above 0", lambda spacing: min(spacing) > 0),
    "grid.warm_start_patch": _VOXELS,
    "grid.warm_start_batch": _counted("patches", 1),
    "schedule.epochs": _counted("epochs", 1),
    "schedule.steps_per_epoch": _counted("batches", 1),
    "schedule.validation_steps_per_epoch": _counted("batches", 1),
    "schedule.optimizer": _one_of("sgd", "adamw"),
    "schedule.learning_rate": Limits("per step", "above 0 to 1", lambda rate: 0 < rate <= 1),
    "schedule.weight_decay": _share(""),
    "schedule.warm_start_epochs": _counted("epochs", 0),
    "sampling.node_share": _share("share of patches"),
    "sampling.jitter": Limits("share of the patch", "0 to below 0.5", lambda jitter: 0 <= jitter < 0.5),
    "sampling.seed": _counted("", 0),
    "augmentation.rotation_deg": Limits("degrees", "0 to 180", lambda angle: 0 <= angle <= 180),
    "augmentation.rotation_share": _share("share of patches"),
    "augmentation.scaling": _factors("factor"),
    "augmentation.scaling_share": _share("share of patches"),
    "augmentation.contrast": _factors("factor"),
    "augmentation.contrast_share": _share("share of patches"),
    "augmentation.bias_field": _share("share of the signal"),
    "augmentation.bias_field_share": _share("share of patches"),
    "augmentation.noise_variance": Limits("variance of the z-scored image", "from 0", lambda variance: variance >= 0),
    "augmentation.noise_share": _share("share of patches"),
    "augmentation.brightness": _factors("factor"),
    "augmentation.brightness_share": _share("share of patches"),
    "augmentation.gamma": _factors("exponent"),
    "augmentation.gamma_share": _share("share of patches"),
    "compute.precision": _one_of("auto", "bf16", "fp32"),
    "compute.augmenter_processes": _counted("processes per fold", 0),
}
"""By the name of its table and its own, such as `schedule.epochs`; those above all tables by their own alone."""


def check_part(prefix: str, part: Any) -> None:
    """Raise `SettingInvalid` unless every value of one table has its type and lies in its range.

    `prefix` is the table's name with a dot, or empty for the values above all tables. None passes where its field may
    be left out.
    """
    hints = get_type_hints(type(part))
    for each in fields(part):
        name, value = f"{prefix}{each.name}", getattr(part, each.name)
        if is_dataclass(value) or (value is None and NoneType in get_args(hints[each.name])):
            continue
        limits = VALUES.get(name)
        if not _is_of(value, hints[each.name]):
            raise SettingInvalid(name, value, _allowed(type_words(hints[each.name]), limits))
        if limits is not None and not limits.is_allowed(value):
            raise SettingInvalid(name, value, limits.allowed)


def _allowed(kind: str, limits: Limits | None) -> str:
    if limits is None:
        return kind
    return limits.allowed if limits.allowed.startswith(kind) else f"{kind}, {limits.allowed}"


def type_words(hint: Any) -> str:
    """Return the type of a field in words, such as `3 whole numbers`."""
    inner = [each for each in get_args(hint) if each is not NoneType]
    if get_origin(hint) is Literal or hint is str:
        return "text"
    if get_origin(hint) is not tuple:
        return type_words(inner[0]) if inner else {int: "whole number", float: "number"}.get(hint, "table")
    if Ellipsis in inner:
        each = type_words(inner[0])
        return f"list of {each}" if get_origin(inner[0]) is tuple else f"list of {each}s"
    return f"{len(inner)} {type_words(inner[0])}s"


def _is_of(value: Any, hint: Any) -> bool:
    inner = get_args(hint)
    if get_origin(hint) is Literal:
        return isinstance(value, str)
    if get_origin(hint) is tuple:
        if not isinstance(value, tuple) or (Ellipsis not in inner and len(value) != len(inner)):
            return False
        return bool(value) and all(_is_of(each, inner[0]) for each in value)
    if inner:
        return any(_is_of(value, each) for each in inner)
    if isinstance(value, bool):
        return False
    if hint is float:
        return isinstance(value, int | float) and math.isfinite(value)
    return isinstance(value, hint)
