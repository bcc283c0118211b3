"""The version of this tool, and of what its numbers are computed with."""

import platform
from importlib.metadata import version

_COMPUTING = ("numpy", "scipy", "pandas", "lifelines", "statsmodels", "matplotlib")


def own_version() -> str:
    """Return the version of the distribution that this tool is part of."""
    return version("sidewall-appliance")


def software_versions() -> dict[str, str]:
    """Return name -> version of this tool, Python and the libraries that compute or draw."""
    own = {"sidewall-analytics": own_version(), "python": platform.python_version()}
    return own | {name: version(name) for name in _COMPUTING}
