"""Words that lines for people begin with, in every program."""

from typing import Final

WARNING: Final = "warning: "
"""What a line begins with that asks somebody to act, though the work goes on."""
