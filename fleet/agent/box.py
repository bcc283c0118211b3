"""What the agent asks of the machine that it runs on, and no more than that."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

from fleet.channels.content import Image


@dataclass(frozen=True)
class Placed:
    """One component as it stands on a box, well enough described to come back to it."""

    digest: str
    """sha256:... of the image, or of the bundle's artifact; empty where nobody knows."""

    version: str
    """As people call it; `unknown` where nobody knows."""

    reference: str
    """What the unit, or the bundle store, is told: HOST/NAME@sha256:... or whatever an operator wrote there."""


class Box(Protocol):
    """The actions of a host. Each may be repeated: done again it changes nothing.

    Raises, where not said otherwise, `SystemFailed` and `SettingInvalid` for what is no image's fault.
    """

    def installed(self) -> dict[str, Placed]:
        """Return, by component, what the next start would run; a component that this box does not have is missing."""
        ...

    def reference(self, component: str, image: Image) -> str:
        """Return what `switch` is told to have the component run that image."""
        ...

    def free_bytes(self) -> int:
        """Return the room on the disk that images go to."""
        ...

    def needed_bytes(self, component: str, image: Image) -> int:
        """Return the room that a pull takes, 0 where the image is here; raises `RegistryFailed`."""
        ...

    def pull(self, component: str, image: Image) -> None:
        """Bring an image here by digest, whole or not at all; raises `ImageRefused`, `RegistryFailed`, `DiskFull`."""
        ...

    def drain(self, components: tuple[str, ...]) -> None:
        """Return once nothing runs that a restart of these would break off, or patience has ended."""
        ...

    def switch(self, references: Mapping[str, str]) -> None:
        """Have components run something else from now on, and after every power cut; restarts what it has to.

        Raises `NotReady` where a unit does not start.
        """
        ...

    def check_ready(self, wanted: Mapping[str, Placed]) -> None:
        """Return once each serves and really runs its digest; raises `NotReady`."""
        ...

    def check_through(self) -> None:
        """Send a phantom study through the whole path to a sink on this machine; raises `NotReady`."""
        ...

    def check_steady(self, components: tuple[str, ...]) -> None:
        """Watch that none of them ends or starts again for a while; raises `NotReady`."""
        ...

    def broken(self, component: str) -> str | None:
        """Return why a component that ran has been given up by the service manager; None where it has not."""
        ...

    def remove(self, component: str, placed: Placed) -> None:
        """Take an image away that is not needed any more; one that is gone, or that something uses, is left."""
        ...
