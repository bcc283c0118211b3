"""One tiny bundle and one small series for the tests of this folder."""

import logging
from pathlib import Path

import pytest
from rich.console import Console
from typer.testing import CliRunner

from runtime.cli import app
from tests.fixtures.commands import Run
from tests.fixtures.processes import TinyBundle, make_bundle
from tests.fixtures.tiny_series import write_tiny_series


@pytest.fixture(scope="session")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> TinyBundle:
    """Return the tiny bundle."""
    return make_bundle(tmp_path_factory.mktemp("bundle"))


@pytest.fixture(scope="session")
def series(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the folder of a small series with one negative and one positive node."""
    folder = tmp_path_factory.mktemp("series")
    write_tiny_series(folder)
    return folder


@pytest.fixture
def run(bundle: TinyBundle, monkeypatch: pytest.MonkeyPatch) -> Run:
    """Return what runs one command line in this process."""
    # The commands change the root logger's handlers: give the tests theirs back.
    monkeypatch.setattr(logging.getLogger(), "handlers", [])
    # Wide enough for every table, whatever COLUMNS was when the command line was imported.
    monkeypatch.setattr("runtime.cli._STDOUT", Console(width=120))
    for name, value in bundle.environment.items():
        monkeypatch.setenv(name, value)
    return lambda *arguments: CliRunner().invoke(app, [str(each) for each in arguments])
