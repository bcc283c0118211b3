"""The committed stubs are those of the contract."""

import subprocess
import sys
from pathlib import Path

import pytest
from google.protobuf import descriptor_pb2
from sidewall.v1 import analysis_pb2, findings_pb2

PROTO = Path(__file__).resolve().parents[2] / "proto"


def test_committed_stubs_are_current(tmp_path: Path) -> None:
    """Compile the contract with whatever generator is here and compare meaning; `--check` compares bytes in CI."""
    grpc_tools = pytest.importorskip(
        "grpc_tools.protoc", reason="no grpcio-tools; `generate.py --check` still compares"
    )
    include = Path(grpc_tools.__file__).parent / "_proto"
    out = tmp_path / "contract.pb"
    command = ["protoc", f"-I{PROTO}", f"-I{include}", f"--descriptor_set_out={out}"]
    sources = ["sidewall/v1/findings.proto", "sidewall/v1/analysis.proto"]
    assert grpc_tools.main([*command, *sources]) == 0
    made = descriptor_pb2.FileDescriptorSet.FromString(out.read_bytes())
    for file, module in zip(made.file, (findings_pb2, analysis_pb2), strict=True):
        committed = descriptor_pb2.FileDescriptorProto()
        module.DESCRIPTOR.CopyToProto(committed)
        for each in (file, committed):
            _forget_json_names(each)
        assert committed == file


def test_the_client_needs_nothing_but_grpc_and_protobuf() -> None:
    code = (
        "import sys, sidewall; "
        "print(*sorted({name.split('.')[0] for name in sys.modules} - set(sys.stdlib_module_names)))"
    )
    answer = subprocess.run([sys.executable, "-I", "-c", code], capture_output=True, text=True, check=True)
    loaded = {name for name in answer.stdout.split() if not name.startswith(("_", "google", "grpc"))}
    # Debian's Python has a sitecustomize of its own.
    assert loaded <= {"sidewall", "cython_runtime", "typing_extensions", "sitecustomize"}


def _forget_json_names(file: descriptor_pb2.FileDescriptorProto) -> None:
    """Drop what protoc adds to a descriptor set and the generator leaves out of a stub."""
    for message in file.message_type:
        for each in (message, *message.nested_type):
            for field in each.field:
                field.ClearField("json_name")
