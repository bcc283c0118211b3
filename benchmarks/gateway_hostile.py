"""`python -m benchmarks.gateway_hostile`: malformed and malicious input against a running gateway.

Mutated instances and bodies over STOW-RS, mutated streams of PDUs, bare connects, connections that stop in the middle
of a PDU, and mutated site files. Every one must be answered or ended, with a reason where it is refused; the process
must go on, take a good study at the end, and hold no more threads and files than before. Ends with status 1 where that
is not so.
"""

import json
import random
import socket
import tempfile
import time
import urllib.error
import urllib.request
from collections import Counter
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Annotated, Final

import pydicom
import typer
from pynetdicom import AE, evt
from rich.console import Console

from base.errors import SettingInvalid
from benchmarks.gateway_trials import Taken, taken_by
from benchmarks.machine import describe_machine
from gateway.site.file import parse_site
from tests.fixtures.gateways import GatewayPlace, RunningGateway, running_gateway
from tests.fixtures.proxies import open_directly
from tests.fixtures.sending import renamed_study, send
from tests.fixtures.tiny_series import write_tiny_series

_SHARES: Final = {"instance": 0.35, "pdu": 0.25, "body": 0.15, "site": 0.148, "connect": 0.1, "slow": 0.002}
_PATIENCE_S: Final = 60.0
_SETTLING_S: Final = 90.0
_IDLE_S: Final = 5
_AT_ONCE: Final = 4
_GROWTH_MIB: Final = 48
"""What memory may grow by: caches and arenas; a leak of a few KiB each is several times that at ten thousand."""

_LATER_GROWTH_MIB: Final = 16
"""And what by in the second half of the inputs: caches and arenas are there by then."""

_SITE: Final = b"""[[caller]]
ae_title = "MR1"
address = "127.0.0.0/8"
[[engine]]
address = "127.0.0.1:50051"
parallel = 2
[[destination]]
name = "pacs"
host = "127.0.0.1"
port = 104
ae_title = "PACS"
[[rule]]
name = "all"
modality = ["MR"]
hours = "08:00-20:00"
deliver = [{ to = "pacs", objects = ["report"] }]
"""


@dataclass
class Trial:
    """What was sent in, and what came of it."""

    outcomes: dict[str, Counter[str]] = field(default_factory=dict)
    faults: list[str] = field(default_factory=list)

    def note(self, kind: str, outcome: str, fault: str = "") -> None:
        """Count one input."""
        self.outcomes.setdefault(kind, Counter())[outcome] += 1
        if fault:
            self.faults.append(f"{kind}: {fault}")


def mutated(content: bytes, dice: random.Random) -> bytes:
    """Return bytes with a few changed, cut, repeated, put in or taken out."""
    changed = bytearray(content)
    for _ in range(dice.randint(1, 4)):
        place, length = dice.randrange(len(changed) + 1), dice.choice((1, 1, 2, 4, 64))
        match dice.randrange(5):
            case 0:
                changed[place : place + length] = dice.randbytes(length)
            case 1:
                del changed[place : place + length]
            case 2:
                changed[place:place] = dice.choice((b"\0", b"\xff")) * length
            case 3:
                changed[place:place] = changed[:length]
            case _:
                del changed[dice.randrange(max(len(changed) // 2, 1), len(changed) + 1) :]
        if not changed:
            return b"\0"
    return bytes(changed)


class Attack:
    """Everything that is done to one gateway; each method does one input and may run in several threads."""

    def __init__(self, gateway: RunningGateway, series: Sequence[Path], trial: Trial) -> None:
        entry = next(each for each in gateway.log() if each["event"] == "serving")
        self._port, self._web_port, self._trial = gateway.port, entry["web_port"], trial
        self._instances = [each.read_bytes() for each in series]
        self._stream = _captured(gateway.port, series[0])

    def run(self, kind: str, seed: int) -> None:
        """Do one input of a kind; what itself fails is a fault of the gateway."""
        try:
            getattr(self, kind)(random.Random(f"{kind}{seed}"))
        except OSError as error:
            self._trial.note(kind, "no answer", f"seed {seed}: {type(error).__name__}")

    def instance(self, dice: random.Random) -> None:
        """Store a mutated instance; the header is hit more often than the pixels."""
        content = dice.choice(self._instances)
        head = dice.randint(200, len(content))
        self._post("instance", _body(mutated(content[:head], dice) + content[head:]))

    def body(self, dice: random.Random) -> None:
        """Post a mutated multipart body, with its type spelt otherwise at times."""
        spelt = ("multipart/related; boundary=B", "multipart/related", "multipart/related; boundary=", "text/plain", "")
        kind = spelt[0] if dice.random() < 0.7 else dice.choice(spelt)
        self._post("body", mutated(_body(dice.choice(self._instances)), dice), kind)

    def pdu(self, dice: random.Random) -> None:
        """Send what a scanner sends, mutated."""
        whole = b"".join(self._stream)
        # Half of them in the association request, where most fields are.
        head = len(self._stream[0]) if dice.random() < 0.5 else len(whole)
        with socket.create_connection(("127.0.0.1", self._port), _PATIENCE_S) as connection:
            try:
                connection.sendall(mutated(whole[:head], dice) + whole[head:])
                connection.shutdown(socket.SHUT_WR)
            except OSError:
                pass
            self._trial.note("pdu", *_how_it_ended(connection))

    def slow(self, dice: random.Random) -> None:
        """Stop in the middle of a PDU and wait."""
        with socket.create_connection(("127.0.0.1", self._port), _PATIENCE_S) as connection:
            connection.sendall(self._stream[0][: dice.randint(1, len(self._stream[0]) - 1)])
            self._trial.note("slow", *_how_it_ended(connection))

    def connect(self, _: random.Random) -> None:
        """Connect and leave."""
        socket.create_connection(("127.0.0.1", self._port), _PATIENCE_S).close()
        self._trial.note("connect", "closed")

    def site(self, dice: random.Random) -> None:
        """Read a mutated site file."""
        try:
            parse_site(mutated(_SITE, dice))
        except SettingInvalid as error:
            self._trial.note("site", "refused", "" if str(error) else "no reason")
        except Exception as error:  # noqa: BLE001 - that is what is looked for
            self._trial.note("site", "crash", type(error).__name__)
        else:
            self._trial.note("site", "taken")

    def _post(self, what: str, body: bytes, kind: str = "multipart/related; boundary=B") -> None:
        url = f"http://127.0.0.1:{self._web_port}/dicom-web/studies"
        request = urllib.request.Request(url, body, {"Content-Type": kind} if kind else {})
        try:
            with open_directly(request) as answer:
                status, said = answer.status, answer.read()
        except urllib.error.HTTPError as error:
            with error:
                status, said = error.code, error.read()
        fault = "" if status < 500 and said else f"HTTP {status} with {len(said)} bytes"
        self._trial.note(what, f"HTTP {status}", fault)


def _body(content: bytes) -> bytes:
    return b"--B\r\nContent-Type: application/dicom\r\n\r\n" + content + b"\r\n--B--\r\n"


def _captured(port: int, file: Path) -> list[bytes]:
    """Return the PDUs that a scanner sends for one instance, in their order."""
    sent: list[bytes] = []
    dataset = pydicom.dcmread(file)
    entity = AE("MR1")
    entity.add_requested_context(dataset.SOPClassUID, dataset.file_meta.TransferSyntaxUID)
    association = entity.associate(
        "127.0.0.1",
        port,
        ae_title="SIDEWALL",
        evt_handlers=[(evt.EVT_DATA_SENT, lambda event: sent.append(event.data))],
    )
    association.send_c_store(dataset)
    association.release()
    return sent


def _how_it_ended(connection: socket.socket) -> tuple[str, str]:
    """Return how the gateway ended a connection, and what is wrong with that."""
    connection.settimeout(_PATIENCE_S)
    last = b""
    try:
        while came := connection.recv(65536):
            last = came
    except ConnectionError:
        return "reset", ""
    except TimeoutError:
        return "hang", "the connection was not ended"
    names = {2: "accepted", 3: "rejected", 4: "answered", 6: "released", 7: "aborted"}
    return names.get(last[0], "other") if last else "closed", ""


def attack(inputs: int, seed: int, folder: Path, report: Callable[[str], None]) -> dict[str, object]:
    """Do that many inputs, and return what came of them."""
    series = write_tiny_series(folder / "series")
    place, trial = GatewayPlace(folder), Trial()
    place.write_site("")
    settings = {
        "SIDEWALL_GATEWAY_WEB_LISTEN": "127.0.0.1:0",
        "SIDEWALL_GATEWAY_QUIET_S": "86400",
        "SIDEWALL_GATEWAY_ASSOCIATION_IDLE_S": str(_IDLE_S),
    }
    counts = {kind: max(round(share * inputs), 1) for kind, share in _SHARES.items()}
    started_s = time.monotonic()
    with running_gateway(place, **settings) as gateway, ThreadPoolExecutor(_AT_ONCE) as pool:
        against = Attack(gateway, series, trial)
        # What only the first of each kind makes is there then: imports, caches, connections of the ledger.
        for kind in counts:
            list(pool.map(lambda number, kind=kind: against.run(kind, seed + number), range(-2 * _AT_ONCE, 0)))
        trial.outcomes.clear()
        before = _settled(gateway, None)
        rounds = (
            {kind: range(count // 2) for kind, count in counts.items()},
            {kind: range(count // 2, count) for kind, count in counts.items()},
        )
        states = [before]
        for wanted in rounds:
            for kind, numbers in wanted.items():
                report(f"{len(numbers)} x {kind}")
                list(pool.map(lambda number, kind=kind: against.run(kind, seed + number), numbers))
            states.append(_settled(gateway, before))
        middle, after = states[1:]
        is_up = gateway.process.poll() is None
        takes = is_up and send(gateway.port, renamed_study(series)) == [0x0000] * len(series)
    trial.faults += _left(before, middle, after, is_up=is_up, takes=takes)
    return {
        "inputs": sum(counts.values()),
        "seconds": round(time.monotonic() - started_s),
        "outcomes": {kind: dict(found.most_common()) for kind, found in trial.outcomes.items()},
        "before": asdict(before),
        "halfway": asdict(middle),
        "after": asdict(after),
        "faults": trial.faults,
    }


def _settled(gateway: RunningGateway, before: Taken | None) -> Taken:
    """Return what the process has once its connections have ended."""
    end_s = time.monotonic() + _SETTLING_S
    found = taken_by(gateway.process.pid)
    while time.monotonic() < end_s:
        time.sleep(1.0)
        last, found = found, taken_by(gateway.process.pid)
        steady = (found.threads, found.files) == (last.threads, last.files)
        if steady and (before is None or found.threads <= before.threads + 2):
            break
    return found


def _left(before: Taken, middle: Taken, after: Taken, *, is_up: bool, takes: bool) -> list[str]:
    found = [] if is_up else ["the process ended"]
    found += [] if takes else ["a good study is not taken afterwards"]
    # Threads of the pool of HTTP and connections of the ledger come and go.
    for what, since, allowed in (
        ("threads", before, 8),
        ("files", before, 16),
        ("memory_mib", before, _GROWTH_MIB),
        ("memory_mib", middle, _LATER_GROWTH_MIB),
    ):
        growth = getattr(after, what) - getattr(since, what)
        when = "in the second half" if since is middle else "in all"
        found += [f"{what} grew by {growth:g} {when}; allowed: {allowed}"] if growth > allowed else []
    return found


def main(
    inputs: Annotated[int, typer.Option(min=100, help="How many.")] = 10_000,
    seed: Annotated[int, typer.Option(help="Of the first input of each kind.")] = 0,
    out: Annotated[Path | None, typer.Option(help="Where the figures go as JSON; default: nowhere.")] = None,
) -> None:
    """Attack a gateway and tell what came of it."""
    console = Console(stderr=True)
    with tempfile.TemporaryDirectory() as folder:
        found = attack(inputs, seed, Path(folder), console.print)
    command = f"python -m benchmarks.gateway_hostile --inputs {inputs} --seed {seed}"
    text = json.dumps({"command": command, "machine": describe_machine(), **found}, indent=2)
    Console().print_json(text)
    if out is not None:
        out.write_text(text + "\n", encoding="utf-8")
    raise typer.Exit(1 if found["faults"] else 0)


if __name__ == "__main__":
    typer.run(main)
