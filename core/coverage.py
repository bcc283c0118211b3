"""How much of the pelvis the images must show, for the choice of a series and for the check of its field of view."""

from typing import Final

MIN_IN_PLANE_FIELD_MM: Final = 150.0
"""The lateral compartments lie up to 70 mm to either side of the midline."""

MIN_COVERAGE_MM: Final = 70.0
"""From the bifurcation of the iliac vessels to the obturator canal it is at least this far: a figure of anatomy, for
which there is no single source."""
