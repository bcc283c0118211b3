"""Read input into a `Volume`, or refuse it with every reason."""

from core.reading.bare_volume import validate_volume
from core.reading.limits import ReadingLimits
from core.reading.series_reader import read_series

__all__ = ["ReadingLimits", "read_series", "validate_volume"]
