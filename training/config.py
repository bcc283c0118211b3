"""Sizes and schedules of a model, read from the files in `training/configs`."""

import math
import tomllib
from dataclasses import MISSING, asdict, dataclass, fields, is_dataclass
from pathlib import Path
from typing import Any, Literal, Self, get_type_hints

from runtime.core.errors import SettingInvalid

CONFIG_DIR = Path(__file__).parent / "configs"

Triple = tuple[int, int, int]


@dataclass(frozen=True)
class Network:
    """nnU-Net's PlainConvUNet; one entry per level, from full resolution down, axes (z, y, x)."""

    features: tuple[int, ...]
    """Filters per level."""

    kernel_sizes: tuple[Triple, ...]
    """Convolution kernels per level."""

    strides: tuple[Triple, ...]
    """Stride by which each level is entered; the first is (1, 1, 1)."""

    encoder_convolutions: tuple[int, ...]
    """Convolutions per level on the way down."""

    decoder_convolutions: tuple[int, ...]
    """Convolutions per level on the way up, one entry less."""


@dataclass(frozen=True)
class Grid:
    """The voxels the network sees, axes (z, y, x)."""

    patch: Triple
    """Voxels per patch."""

    batch: int
    """Patches per step."""

    spacing_mm: tuple[float, float, float] | None = None
    """Voxel distance after resampling; None takes nnU-Net's choice for the dataset."""

    warm_start_patch: Triple | None = None
    """Voxels per patch in the shared run; smaller ones hold more nodes per step. None takes `patch`."""

    warm_start_batch: int | None = None
    """Patches per step in the shared run; None takes `batch`."""


@dataclass(frozen=True)
class Schedule:
    """How long and how fast the weights move."""

    epochs: int
    """Epochs per fold; the learning rate falls to zero over the shared run's and these (polynomial, exponent 0.9)."""

    steps_per_epoch: int
    """Weight updates per epoch; a checkpoint follows each epoch."""

    validation_steps_per_epoch: int
    """Batches of the fold's own validation cases looked at after each epoch."""

    optimizer: Literal["sgd", "adamw"]
    """`sgd`: Nesterov momentum 0.99, as nnU-Net; `adamw`: for short runs."""

    learning_rate: float
    """Rate at the first step."""

    weight_decay: float
    """Decay of the weights, in the optimiser's own sense."""

    warm_start_epochs: int
    """Epochs of the shared run that all folds start from; 0 starts every fold from random weights."""


@dataclass(frozen=True)
class Sampling:
    """Where patches are cut."""

    node_share: float
    """Share of patches that hold a node (or, in a case without nodes, a station); the rest lie anywhere."""

    jitter: float
    """Largest shift of a node from the patch's centre, as a share of the patch per axis."""


@dataclass(frozen=True)
class Compute:
    """What the machine is asked for."""

    precision: Literal["auto", "bf16", "fp32"]
    """Precision of the convolutions on the CPU; `auto` is bf16 where the CPU has instructions for it."""

    augmenter_processes: int
    """Processes that cut and augment patches; 0 does it between the steps."""


@dataclass(frozen=True)
class ModelConfig:
    """One trainable size of the model."""

    name: str
    """Name of the plans and part of the results folder."""

    network: Network
    grid: Grid
    schedule: Schedule
    sampling: Sampling
    compute: Compute

    def __post_init__(self) -> None:
        """Check that the parts fit; raises `SettingInvalid`."""
        levels = len(self.network.features)
        for name in ("kernel_sizes", "strides", "encoder_convolutions"):
            _require(
                len(getattr(self.network, name)) == levels, f"network.{name}", self, f"one entry per level ({levels})"
            )
        decoder = self.network.decoder_convolutions
        _require(len(decoder) == levels - 1, "network.decoder_convolutions", decoder, f"{levels - 1} entries")
        for name in ("patch", "warm_start_patch"):
            for axis, size in enumerate(getattr(self.grid, name) or ()):
                divisor = math.prod(stride[axis] for stride in self.network.strides)
                allowed = f"axis {axis} a multiple of {divisor}"
                _require(size % divisor == 0, f"grid.{name}", getattr(self.grid, name), allowed)
        _require(0 <= self.sampling.node_share <= 1, "sampling.node_share", self.sampling.node_share, "0 to 1")
        _require(0 <= self.sampling.jitter < 0.5, "sampling.jitter", self.sampling.jitter, "0 to below 0.5")
        _require(
            self.schedule.optimizer in ("sgd", "adamw"), "schedule.optimizer", self.schedule.optimizer, "sgd, adamw"
        )
        precision = self.compute.precision
        _require(precision in ("auto", "bf16", "fp32"), "compute.precision", precision, "auto, bf16, fp32")

    @classmethod
    def from_dict(cls, content: dict[str, Any]) -> Self:
        """Build from plain values; raises `SettingInvalid` on unknown or missing names."""
        config: Self = _build(cls, content, "config")
        return config

    def to_dict(self) -> dict[str, Any]:
        """Return plain values that `from_dict` takes."""
        return asdict(self)


def load_config(name_or_path: str) -> ModelConfig:
    """Read a config by its name (`demo`, `paper`) or from a TOML file; raises `SettingInvalid`."""
    path = CONFIG_DIR / f"{name_or_path}.toml"
    if not path.is_file():
        path = Path(name_or_path)
    if not path.is_file():
        known = ", ".join(sorted(file.stem for file in CONFIG_DIR.glob("*.toml")))
        raise SettingInvalid("config", name_or_path, f"{known}, or the path of a TOML file")
    try:
        content = tomllib.loads(path.read_text())
    except tomllib.TOMLDecodeError as error:
        raise SettingInvalid("config", str(path), f"valid TOML ({error})") from error
    return ModelConfig.from_dict(content)


def _require(fits: bool, name: str, value: object, allowed: str) -> None:
    if not fits:
        raise SettingInvalid(name, value, allowed)


def _build(kind: Any, content: dict[str, Any], where: str) -> Any:
    hints = get_type_hints(kind)
    unknown = sorted(set(content) - set(hints))
    _require(not unknown, where, unknown, f"only {', '.join(hints)}")
    required = {field.name for field in fields(kind) if field.default is MISSING}
    missing = sorted(required - set(content))
    _require(not missing, where, f"without {', '.join(missing)}", f"all of {', '.join(sorted(required))}")
    values = {
        name: _build(hints[name], value, f"{where}.{name}") if is_dataclass(hints[name]) else _frozen(value)
        for name, value in content.items()
    }
    return kind(**values)


def _frozen(value: Any) -> Any:
    return tuple(_frozen(item) for item in value) if isinstance(value, list | tuple) else value
