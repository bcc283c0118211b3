"""Start Orthanc, an engine and the gateway; store a synthetic study as a scanner would; see SEG and SR come to Orthanc.

    python -m demo.gateway --bundle models/demo --out out/gateway-demo

Needs the repository's root as working directory, and of Debian `orthanc` and `dcmtk`. Ends with status 1 when anything
went wrong, and says what.
"""

import argparse
import json
import os
import shutil
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

from rich.console import Console

from base.streams import answer_alone
from demo.cases import make_cases
from demo.server import ServerFailed, running_server

_PATIENCE_S: Final = 900.0
_QUIET_S: Final = 2
_WANTED: Final = {"SEG", "SR"}
_SITE: Final = """
[[engine]]
address = "{engine}"

[[destination]]
name = "orthanc"
host = "127.0.0.1"
port = {port}
ae_title = "ORTHANC"
confirm = "commitment"

[[rule]]
name = "rectal-mr"
modality = ["MR"]
deliver = [{{ to = "orthanc" }}]
"""


class DemoFailed(RuntimeError):
    """Something did not come about; the text says what."""


def main() -> int:
    """Run the demonstration; returns the process exit status."""
    parser = argparse.ArgumentParser(prog="python -m demo.gateway", description="Show the whole way of one study.")
    parser.add_argument("--bundle", type=Path, default=Path("models/demo"), help="model bundle (default: models/demo)")
    parser.add_argument("--out", type=Path, default=Path("out/gateway-demo"), help="where everything goes")
    arguments = parser.parse_args()
    console = Console()
    try:
        run_demo(arguments.bundle, arguments.out, console)
    except (DemoFailed, ServerFailed) as error:
        console.print(f"FAILED: {error}", style="bold red", markup=False)
        return 1
    return 0


def run_demo(bundle: Path, out: Path, console: Console) -> None:
    """Show one study from the scanner to the PACS; raises `DemoFailed` or `ServerFailed`."""
    orthanc, storescu = _program("Orthanc", "orthanc"), _program("storescu", "dcmtk")
    shutil.rmtree(out, ignore_errors=True)
    out.mkdir(parents=True)
    with console.status("making a synthetic patient"):
        study = make_cases(out / "input")[0].series
    dicom, web, node = (_free_port() for _ in range(3))
    with (
        _running_orthanc(orthanc, out, dicom, web, node),
        running_server(bundle, out / "engine.log") as engine,
        _running_gateway(out, node, _SITE.format(engine=engine, port=dicom)),
    ):
        console.print(f"Orthanc on http://127.0.0.1:{web}, engine on {engine}, gateway SIDEWALL on 127.0.0.1:{node}")
        files = sorted(map(str, study.glob("*.dcm")))
        sent = subprocess.run([storescu, "-aec", "SIDEWALL", "127.0.0.1", str(node), *files], check=False)
        if sent.returncode:
            raise DemoFailed(f"the gateway did not take the study; see {out / 'gateway.log'}")
        console.print(f"stored {len(files)} instances; the study is complete when nothing came for {_QUIET_S} s")
        with console.status("analysing and delivering"):
            state = _wait_for_end(out)
        modalities = _modalities(web)
        console.print_json(json.dumps(_show(out)))
    console.print(f"the study is {state}; Orthanc has series of {', '.join(sorted(modalities))}")
    if state != "delivered" or not modalities >= _WANTED:
        raise DemoFailed(f"wanted delivered, with SEG and SR in Orthanc; the logs lie in {out}")


def _wait_for_end(out: Path) -> str:
    deadline_s = time.monotonic() + _PATIENCE_S
    while time.monotonic() < deadline_s:
        state: str = _show(out)["state"]
        if state in ("delivered", "failed", "refused", "ignored", "answered", "held"):
            return state
        time.sleep(1)
    raise DemoFailed(f"no end after {_PATIENCE_S:.0f} s; the logs lie in {out}")


def _show(out: Path) -> dict[str, Any]:
    """Return what `sidewall-gateway show 1` says."""
    command = [_own("sidewall-gateway"), "show", "1", "--json", "--config", str(out / "gateway.toml")]
    said = subprocess.run(command, capture_output=True, text=True, check=False)
    if said.returncode:
        raise DemoFailed(f"sidewall-gateway show: {said.stderr.strip()[-300:]}")
    found: dict[str, Any] = json.loads(said.stdout)
    return found


@contextmanager
def _running_gateway(out: Path, port: int, site: str) -> Iterator[None]:
    (out / "site.toml").write_text(site, encoding="utf-8")
    settings = {"spool": out / "spool", "site": out / "site.toml", "listen": f"127.0.0.1:{port}"}
    lines = [f'{name} = "{value}"' for name, value in settings.items()]
    (out / "gateway.toml").write_text("\n".join([*lines, f"quiet_s = {_QUIET_S}", "min_free_mib = 100"]))
    log_file = out / "gateway.log"
    with log_file.open("wb") as log:
        process = subprocess.Popen([_own("sidewall-gateway"), "serve", "--config", out / "gateway.toml"], stderr=log)
    try:
        _wait_for(lambda: '"serving"' in log_file.read_text(encoding="utf-8"), process, "the gateway", log_file)
        yield
    finally:
        _end(process)


@contextmanager
def _running_orthanc(program: str, out: Path, dicom: int, web: int, node: int) -> Iterator[None]:
    configuration = {
        "StorageDirectory": str(out / "orthanc"),
        "IndexDirectory": str(out / "orthanc"),
        "DicomPort": dicom,
        "HttpPort": web,
        "DicomAet": "ORTHANC",
        "RemoteAccessAllowed": False,
        "AuthenticationEnabled": False,
        # It must know whom it reports storage commitment to.
        "DicomModalities": {"sidewall": ["SIDEWALL", "127.0.0.1", node]},
    }
    (out / "orthanc.json").write_text(json.dumps(configuration, indent=2), encoding="utf-8")
    log_file = out / "orthanc.log"
    with log_file.open("wb") as log:
        process = subprocess.Popen([program, str(out / "orthanc.json")], stdout=log, stderr=log)
    try:
        _wait_for(lambda: _answers(web), process, "Orthanc", log_file)
        yield
    finally:
        _end(process)


def _modalities(web: int) -> set[str]:
    found = json.loads(_get(web, "/series?expand"))
    return {each["MainDicomTags"]["Modality"] for each in found}


def _answers(web: int) -> bool:
    try:
        _get(web, "/system")
    except (urllib.error.URLError, ConnectionError):
        return False
    return True


def _get(web: int, path: str) -> bytes:
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    with opener.open(f"http://127.0.0.1:{web}{path}", timeout=60) as answer:
        content: bytes = answer.read()
    return content


def _wait_for(is_ready: Any, process: subprocess.Popen[bytes], what: str, log_file: Path) -> None:
    deadline_s = time.monotonic() + _PATIENCE_S
    while time.monotonic() < deadline_s and process.poll() is None:
        if is_ready():
            return
        time.sleep(0.2)
    raise DemoFailed(f"{what} did not start: {log_file.read_text(encoding='utf-8', errors='replace')[-500:]}")


def _end(process: subprocess.Popen[bytes]) -> None:
    process.terminate()
    try:
        process.wait(60)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def _program(name: str, package: str) -> str:
    found = shutil.which(name, path=os.pathsep.join([os.environ.get("PATH", ""), "/usr/sbin"]))
    if found is None:
        raise DemoFailed(f"{name} is not installed; on Debian: apt-get install {package}")
    return found


def _own(name: str) -> str:
    return str(Path(sys.executable).parent / name)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    return port


if __name__ == "__main__":
    with answer_alone():
        sys.exit(main())
