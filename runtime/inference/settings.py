"""What the folds run on, and how."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar, Literal

from base.settings import Range, Section

Mode = Literal["exact", "fast"]


@dataclass(frozen=True)
class InferenceSettings(Section):
    """What the folds run on, and how."""

    backend: str = "auto"
    """Inference backend by name, or `auto` for the best one present; one on a GPU needs its package and the GPU."""

    mode: Mode = "exact"
    """`exact` is the reference (nnU-Net's own arithmetic); `fast` may differ within its stated tolerance."""

    threads: int = 0
    """Most CPU threads of one analysis; 0 takes all that this process may use by its affinity and by the quota of its
    container, since one analysis runs at a time. More than those are never taken.
    """

    engine_cache: Path | None = None
    """Folder of compiled folds, made at the first start and reused while bundle, device, library and options are the
    same; without this setting `sidewall/engines` in `XDG_CACHE_HOME`, else in `~/.cache`.
    """

    ranges: ClassVar[Mapping[str, Range]] = {
        "threads": (lambda value: 0 <= value <= 1024, "0 (all that are of use) to 1024"),
    }
