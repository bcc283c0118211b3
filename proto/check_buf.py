"""Check the wire contract with buf: that it keeps to the style of `buf.yaml`, and only grows since the released one.

    python proto/check_buf.py               # exit 1 and say what is wrong; skips without npm, with the reason
    python proto/check_buf.py --required    # exit 1 without npm, too
    python proto/check_buf.py --release     # make the present contract the released one, with a release

The released contract is `released.binpb`, an image that buf made. buf itself is pinned in `buf/package-lock.json`.
"""

import argparse
import hashlib
import shutil
import subprocess
import sys
from pathlib import Path

PROTO_ROOT = Path(__file__).resolve().parent
RELEASED = PROTO_ROOT / "released.binpb"
_PINNED = PROTO_ROOT / "buf"
_DIGEST = hashlib.sha256((_PINNED / "package-lock.json").read_bytes()).hexdigest()[:16]
ENVIRONMENT = PROTO_ROOT.parent / "build" / f"buf-{_DIGEST}"
_NO_NETWORK = ("ENOTFOUND", "EAI_AGAIN", "ECONNREFUSED", "ECONNRESET", "ENETUNREACH", "ETIMEDOUT", "ERR_SOCKET_TIMEOUT")


class BufAbsent(Exception):
    """buf cannot be had here; the text says why."""


def main(arguments: list[str] | None = None) -> int:
    """Run the command; returns the process exit status."""
    parser = argparse.ArgumentParser(description="Check the wire contract with buf.")
    parser.add_argument("--required", action="store_true", help="exit 1 where buf cannot be had")
    parser.add_argument("--release", action="store_true", help="make the present contract the released one")
    parser.add_argument("--contract", type=Path, default=PROTO_ROOT, help="folder with buf.yaml and the contract")
    options = parser.parse_args(arguments)
    try:
        buf = installed_buf()
    except BufAbsent as reason:
        sys.stderr.write(f"the contract was not checked with buf: {reason}\n")
        return int(options.required)
    if options.release:
        return _run(buf, options.contract, "build", "--exclude-source-info", "--output", str(RELEASED))
    checks = (("lint",), ("breaking", "--against", str(RELEASED)))
    return max([_run(buf, options.contract, *check) for check in checks])


def installed_buf() -> Path:
    """Return the command, installed on first use; raises `BufAbsent`."""
    npm = shutil.which("npm")
    if npm is None or shutil.which("node") is None:
        raise BufAbsent("node and npm are not installed")
    buf = ENVIRONMENT / "node_modules" / ".bin" / "buf"
    if not buf.exists():
        ENVIRONMENT.mkdir(parents=True, exist_ok=True)
        for file in _PINNED.iterdir():
            if file.is_file():
                shutil.copy(file, ENVIRONMENT)
        command = [npm, "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--fetch-retries=1"]
        done = subprocess.run(command, cwd=ENVIRONMENT, capture_output=True, text=True, check=False)
        if done.returncode and any(word in done.stderr for word in _NO_NETWORK):
            raise BufAbsent("the npm registry cannot be reached")
        if done.returncode:
            raise BufAbsent(f"npm could not install it: {done.stderr.strip()}")
    return buf


def _run(buf: Path, contract: Path, *arguments: str) -> int:
    return 1 if subprocess.run([buf, *arguments], cwd=contract, check=False).returncode else 0


if __name__ == "__main__":
    sys.exit(main())
