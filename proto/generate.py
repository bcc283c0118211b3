"""Make the gRPC stubs of the client package, or check that the committed ones are current.

The stubs come from one pinned generator in its own virtual environment, so that every machine makes the same bytes
and the client package works with every later protobuf: generated code runs with its own version and newer ones, and
from protobuf 5.27 on it refuses or warns on runtimes of another major version. 1.63.2 (protobuf 5.26.1) is the oldest
generator of the present layout, and the last without that check.

    python proto/generate.py            # make them
    python proto/generate.py --check    # exit 1 and name the files that differ
"""

import argparse
import filecmp
import re
import shutil
import subprocess
import sys
import tempfile
import venv
from dataclasses import dataclass
from pathlib import Path

PROTO_ROOT = Path(__file__).resolve().parent
PACKAGE = Path("sidewall/v1")
GENERATOR = ("grpcio-tools==1.63.2", "grpcio==1.63.2", "protobuf==5.26.1", "setuptools==80.9.0")
ENVIRONMENT = PROTO_ROOT.parent / "build" / f"stubs-{GENERATOR[0]}"

_STUB_HEADER = '''# ruff: noqa
"""Types of the gRPC stubs, which the generator leaves untyped. Made by proto/generate.py; do not edit."""

from collections.abc import Iterable, Iterator

import grpc

from sidewall.v1 import {module} as _messages
'''

_LAX = '# mypy: disable-error-code="type-arg"\n'
"""First line of the message stubs: the generator writes `Mapping` without its parameters."""


def main() -> int:
    """Run the command; returns the process exit status."""
    parser = argparse.ArgumentParser(description="Make the gRPC stubs, or check that they are current.")
    parser.add_argument("--check", action="store_true", help="change nothing; exit 1 when the committed stubs differ")
    check = parser.parse_args().check
    with tempfile.TemporaryDirectory() as folder:
        made = _generate(_generator_python(), Path(folder))
        if check:
            return _report_differences(made)
        for stub in made:
            shutil.copyfile(stub, PROTO_ROOT / PACKAGE / stub.name)
    return 0


def _generator_python() -> Path:
    """Return the interpreter of the generator's environment, made on first use."""
    python = ENVIRONMENT / "bin" / "python"
    installed = ENVIRONMENT / "installed"
    if not installed.exists():
        venv.create(ENVIRONMENT, with_pip=True, clear=True)
        subprocess.run([python, "-m", "pip", "install", "--quiet", *GENERATOR], check=True)
        installed.touch()
    return python


def _generate(python: Path, folder: Path) -> list[Path]:
    """Return the stubs made in `folder`."""
    sources = sorted(path.relative_to(PROTO_ROOT) for path in (PROTO_ROOT / PACKAGE).glob("*.proto"))
    outputs = [f"--{kind}_out={folder}" for kind in ("python", "pyi", "grpc_python")]
    subprocess.run([python, "-m", "grpc_tools.protoc", "-I.", *outputs, *map(str, sources)], check=True, cwd=PROTO_ROOT)
    made = folder / PACKAGE
    for source in sources:
        services = _services((PROTO_ROOT / source).read_text())
        types = made / f"{source.stem}_pb2.pyi"
        types.write_text(_LAX + types.read_text())
        grpc_stub = made / f"{source.stem}_pb2_grpc.py"
        if services:
            grpc_stub.with_suffix(".pyi").write_text(_typed_stub(f"{source.stem}_pb2", services))
        else:
            grpc_stub.unlink()
    return sorted(made.iterdir())


_LINE_CHARACTERS = 120


@dataclass(frozen=True)
class _Method:
    """One method of a service, and which of its sides are streams."""

    name: str
    request: str
    response: str
    streams_in: bool
    streams_out: bool

    @property
    def callable(self) -> str:
        """The type of the stub's attribute."""
        sides = ("Stream" if streams else "Unary" for streams in (self.streams_in, self.streams_out))
        return f"grpc.{''.join(sides)}MultiCallable[_messages.{self.request}, _messages.{self.response}]"

    @property
    def argument(self) -> str:
        """The servicer's argument with its type."""
        if self.streams_in:
            return f"request_iterator: Iterable[_messages.{self.request}]"
        return f"request: _messages.{self.request}"

    @property
    def answer(self) -> str:
        """What the servicer returns."""
        return f"Iterator[_messages.{self.response}]" if self.streams_out else f"_messages.{self.response}"


def _services(source: str) -> dict[str, list[_Method]]:
    """Return the methods of every service of a .proto."""
    services: dict[str, list[_Method]] = {}
    name = ""
    for line in map(str.strip, source.splitlines()):
        if line.startswith("service "):
            name = line.split()[1]
            services[name] = []
        elif line.startswith("rpc "):
            method, request, response = re.findall(r"rpc (\w+)\((.*?)\) returns \((.*?)\);", line)[0]
            kinds = [side.removeprefix("stream ") for side in (request, response)]
            streams = [side.startswith("stream ") for side in (request, response)]
            services[name].append(_Method(method, *kinds, *streams))
    return services


def _typed_stub(module: str, services: dict[str, list[_Method]]) -> str:
    """Return the text of the .pyi beside a `_pb2_grpc.py`."""
    text = _STUB_HEADER.format(module=module)
    for service, methods in services.items():
        text += f"\nclass {service}Stub:\n    def __init__(self, channel: grpc.Channel) -> None: ...\n"
        for method in methods:
            text += _typed_attribute(method)
        text += f"\nclass {service}Servicer:\n"
        for method in methods:
            text += _typed_method(method)
        text += (
            f"\ndef add_{service}Servicer_to_server(servicer: {service}Servicer, server: grpc.Server) -> None: ...\n"
        )
    return text


def _typed_attribute(method: _Method) -> str:
    """Return a method of a stub, on one line where the formatter has it on one."""
    line = f"    {method.name}: {method.callable}\n"
    if len(line) <= _LINE_CHARACTERS + 1:
        return line
    kind, messages = method.callable.removesuffix("]").split("[")
    return f"    {method.name}: {kind}[\n        {messages}\n    ]\n"


def _typed_method(method: _Method) -> str:
    """Return a method of a servicer, on one line where the formatter has it on one."""
    arguments, answer = f"self, {method.argument}, context: grpc.ServicerContext", f") -> {method.answer}: ...\n"
    line = f"    def {method.name}({arguments}{answer}"
    if len(line) <= _LINE_CHARACTERS + 1:
        return line
    return f"    def {method.name}(\n        {arguments}\n    {answer}"


def _report_differences(made: list[Path]) -> int:
    """Name every committed stub that is missing, different or no longer made; returns the exit status."""
    committed = PROTO_ROOT / PACKAGE
    expected = {stub.name for stub in made}
    stale = {path.name for path in committed.glob("*_pb2*.py*")} - expected
    stale |= {
        stub.name
        for stub in made
        if not (committed / stub.name).exists() or not filecmp.cmp(stub, committed / stub.name, shallow=False)
    }
    if stale:
        sys.stderr.write(f"stubs are not current, run `make proto`: {', '.join(sorted(stale))}\n")
    return 1 if stale else 0


if __name__ == "__main__":
    sys.exit(main())
