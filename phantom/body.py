"""A body before it is imaged: what its parts are, where its vessels run and where its stations end."""

from dataclasses import dataclass

from phantom.anatomy import Build, Part
from phantom.stations import StationBounds
from phantom.vessels import SideVessels


@dataclass(frozen=True, eq=False)
class Body:
    """One patient, of shapes or of people's label maps; the left side comes first."""

    build: Build
    """Size relative to the nominal body."""

    left: StationBounds
    right: StationBounds
    """Where the stations of either side end."""

    sides: tuple[SideVessels, SideVessels]
    parts: tuple[Part, ...]
    """All anatomy but nodes and look-alikes, in painting order."""

    people: tuple[str, ...] = ()
    """Whose maps it was made from; empty for a body of shapes."""

    @property
    def bounds(self) -> tuple[StationBounds, StationBounds]:
        """Return the bounds of both sides."""
        return self.left, self.right
