"""The images that `make images` builds: what each is for, and whether it is there to be tested."""

import os
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import pytest

from base import __version__
from tests.docker.containers import run

REPOSITORY: Final = Path(__file__).parents[2]


@dataclass(frozen=True)
class Image:
    """One image."""

    name: str
    """As in `docker/NAME.Dockerfile` and `localhost/sidewall-NAME`."""

    commands: frozenset[str]
    """What can be called in it, beside Python."""

    locks: tuple[str, ...]
    """Files of docker/locks that it may be built from."""

    serves: bool = False
    """Whether it answers the standard gRPC health service."""

    @property
    def reference(self) -> str:
        """What podman calls it; of the runtime TEST_IMAGE may name another."""
        named = os.environ.get("TEST_IMAGE") if self.name == "runtime" else None
        return named or f"localhost/sidewall-{self.name}:{__version__}"


IMAGES: Final = (
    Image("runtime", frozenset({"sidewall"}), ("runtime",), serves=True),
    Image("runtime-gpu", frozenset({"sidewall"}), ("runtime-gpu",), serves=True),
    Image("training", frozenset({"sidewall-train", "sidewall-export"}), ("training", "training-cpu")),
    Image("gateway", frozenset({"sidewall-gateway"}), ("gateway",), serves=True),
    Image("analytics", frozenset({"sidewall-analytics"}), ("analytics",)),
)

needs_images = [
    pytest.mark.skipif(os.environ.get("TEST_IMAGES") != "1", reason="images are tested where TEST_IMAGES=1"),
    pytest.mark.skipif(shutil.which("podman") is None, reason="podman is not installed"),
]


def require(name: str) -> str:
    """Return what podman calls an image; skips the test when it is not built."""
    reference = next(each.reference for each in IMAGES if each.name == name)
    if run("podman", "image", "exists", reference, check=False).returncode != 0:
        pytest.skip(f"{reference} is not built: make images IMAGES={name}")
    return reference
