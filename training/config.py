"""Sizes and schedules of a model, read from the files in `training/configs`."""

import math
import tomllib
from dataclasses import MISSING, asdict, dataclass, field, fields, is_dataclass
from pathlib import Path
from typing import Any, Literal, Self, get_args, get_type_hints

from base.errors import SettingInvalid, unknown_setting
from training.config_values import check_part

CONFIG_DIR = Path(__file__).parent / "configs"

Triple = tuple[int, int, int]
Pair = tuple[float, float]


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

    patch: Triple | None = None
    """Voxels per patch; None where nnU-Net plans it."""

    batch: int | None = None
    """Patches per step; None where nnU-Net plans it."""

    gpu_memory_gb: float | None = None
    """Memory that nnU-Net's planner fills with patch, batch and network; None where the config gives them."""

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

    seed: int = 12345
    """What every random number follows from, together with the fold and the number of the batch."""


@dataclass(frozen=True)
class Augmentation:
    """What a patch goes through before a step; a share of 0 leaves that change out. Never mirrored.

    Translation is not among them: every patch is cut at another place (`Sampling`).
    """

    rotation_deg: float = 15.0
    """Largest turn, in the plane of the slices for patches much thinner than wide."""

    rotation_share: float = 0.3
    """Share of patches that are turned."""

    scaling: Pair = (0.8, 1.25)
    """Smallest and largest zoom."""

    scaling_share: float = 0.3
    """Share of patches that are zoomed."""

    contrast: Pair = (0.8, 1.25)
    """Factors on the distance from the patch's mean."""

    contrast_share: float = 0.2
    """Share of patches that are changed in contrast."""

    bias_field: float = 0.3
    """Largest change of the signal towards one edge, as near a surface coil."""

    bias_field_share: float = 0.3
    """Share of patches that are shaded so."""

    noise_variance: float = 0.05
    """Largest variance of added noise, in units of the z-scored image."""

    noise_share: float = 0.15
    """Share of patches that are given noise."""

    brightness: Pair = (0.8, 1.25)
    """Factors on the whole signal."""

    brightness_share: float = 0.2
    """Share of patches that are changed in brightness."""

    gamma: Pair = (0.75, 1.4)
    """Exponents on the signal between the patch's extremes."""

    gamma_share: float = 0.2
    """Share of patches that are changed so."""


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

    grid: Grid
    schedule: Schedule
    sampling: Sampling
    compute: Compute
    network: Network | None = None
    """None where nnU-Net plans it."""

    augmentation: Augmentation = field(default_factory=Augmentation)

    planner: Literal["config", "nnunet"] = "config"
    """Who chooses network, patch and batch: this config, or nnU-Net's ExperimentPlanner for `grid.gpu_memory_gb`."""

    def __post_init__(self) -> None:
        """Check that the parts fit; raises `SettingInvalid`."""
        check_config(self)

    @classmethod
    def from_dict(cls, content: dict[str, Any]) -> Self:
        """Build from plain values; raises `SettingInvalid` on unknown or missing names."""
        config: Self = _build(cls, content, "config")
        return config

    def to_dict(self) -> dict[str, Any]:
        """Return plain values that `from_dict` takes."""
        return asdict(self)


def check_config(config: ModelConfig) -> None:
    """Raise `SettingInvalid` unless every value is in its range and the parts of a config fit each other."""
    check_part("", config)
    for each in fields(config):
        part = getattr(config, each.name)
        if is_dataclass(part):
            check_part(f"{each.name}.", part)
    if config.planner == "nnunet":
        _check_left_to_nnunet(config)
    else:
        _check_sizes(config)


def _check_left_to_nnunet(config: ModelConfig) -> None:
    memory = config.grid.gpu_memory_gb
    _require(memory is not None, "grid.gpu_memory_gb", memory, "above 0 with planner = nnunet")
    given = {"network": config.network, "grid.patch": config.grid.patch, "grid.batch": config.grid.batch}
    for name, value in given.items():
        _require(value is None, name, value, "nothing with planner = nnunet, which chooses it")


def _check_sizes(config: ModelConfig) -> None:
    network, grid = config.network, config.grid
    _require(grid.gpu_memory_gb is None, "grid.gpu_memory_gb", grid.gpu_memory_gb, "nothing without planner = nnunet")
    for name, value in {"network": network, "grid.patch": grid.patch, "grid.batch": grid.batch}.items():
        _require(value is not None, name, value, "given, or planner = nnunet")
    if network is None:
        return
    levels = len(network.features)
    for name in ("kernel_sizes", "strides", "encoder_convolutions"):
        entries = getattr(network, name)
        _require(len(entries) == levels, f"network.{name}", entries, f"one entry per level ({levels})")
    decoder = network.decoder_convolutions
    _require(len(decoder) == levels - 1, "network.decoder_convolutions", decoder, f"{levels - 1} entries")
    for name in ("patch", "warm_start_patch"):
        for axis, size in enumerate(getattr(grid, name) or ()):
            divisor = math.prod(stride[axis] for stride in network.strides)
            _require(size % divisor == 0, f"grid.{name}", getattr(grid, name), f"axis {axis} a multiple of {divisor}")


def load_config(name_or_path: str) -> ModelConfig:
    """Read a config by its name (`demo`, `paper`, `paper_nnunet`) or from a TOML file; raises `SettingInvalid`."""
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


def _build(kind: Any, content: Any, where: str) -> Any:
    hints = get_type_hints(kind)
    _require(isinstance(content, dict), where, content, f"a table of {', '.join(hints)}")
    inside = where.removeprefix("config").lstrip(".") + "."
    for name in sorted(set(content) - set(hints)):
        raise unknown_setting(f"{inside}{name}".lstrip("."), [f"{inside}{each}".lstrip(".") for each in hints])
    required = {each.name for each in fields(kind) if each.default is MISSING and each.default_factory is MISSING}
    missing = sorted(required - set(content))
    _require(not missing, where, f"without {', '.join(missing)}", f"all of {', '.join(sorted(required))}")
    values = {name: _value(hints[name], value, f"{where}.{name}") for name, value in content.items()}
    return kind(**values)


def _value(hint: Any, value: Any, where: str) -> Any:
    """Return a plain value as its field holds it; a table becomes the dataclass that the field names."""
    part = next((each for each in (hint, *get_args(hint)) if is_dataclass(each)), None)
    if part is None or value is None:
        return _frozen(value)
    return _build(part, value, where)


def _frozen(value: Any) -> Any:
    return tuple(_frozen(item) for item in value) if isinstance(value, list | tuple) else value
