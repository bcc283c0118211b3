"""What `sidewall-train` says about itself."""

from typer.testing import CliRunner

from base import __version__
from training.cli import app


def test_the_version_is_that_of_the_appliance() -> None:
    assert CliRunner().invoke(app, ["--version"]).output == f"{__version__}\n"
