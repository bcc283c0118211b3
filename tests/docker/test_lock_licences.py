"""The table of licences beside the locks comes from the index, for the files locked, whatever is installed here."""

import hashlib
import http.server
import io
import json
import threading
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from docker.lock_licences import locked_files, read_table, renew

ONE, OTHER = "1" * 64, "2" * 64
# numpy is installed wherever these tests run, under another licence.
LOCK = f"""left==1.0 \\
    --hash=sha256:{ONE}
numpy==9.9 ; sys_platform == "linux" \\
    --hash=sha256:{ONE} \\
    --hash=sha256:{OTHER}
torch==2.0+cpu \\
    --hash=sha256:{ONE}
cuda-toolkit==13 \\
    --hash=sha256:{ONE}
"""
METADATA = {
    "left": "License-Expression: MIT",
    "numpy": 'License: The "Other" License\n\nText',
    "torch": "Summary: none",
}


def wheel_of(name: str, metadata: str) -> bytes:
    """Return a wheel with nothing but its metadata."""
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as wheel:
        wheel.writestr(f"{name}-1.0.dist-info/METADATA", f"Metadata-Version: 2.4\nName: {name}\n{metadata}\n")
    return content.getvalue()


@contextmanager
def index(metadata: dict[str, str]) -> Iterator[tuple[str, list[str]]]:
    """Run an index (PEP 691, PEP 658): of each package one wheel that was locked and one that was not."""
    asked = list[str]()

    class Handler(http.server.BaseHTTPRequestHandler):
        """Answers GET."""

        def do_GET(self) -> None:
            """Give a listing or the metadata of a wheel."""
            asked.append(self.path)
            name = self.path.split("/")[2]
            if self.path.startswith("/simple/"):
                foreign = {"url": f"/files/{name}/foreign.whl", "hashes": {"sha256": "3" * 64}, "core-metadata": True}
                locked = {
                    "url": f"/files/{name}/locked.whl",
                    "hashes": {"sha256": ONE},
                    "core-metadata": name in metadata,
                }
                body = json.dumps({"files": [foreign, locked]})
            elif not self.path.endswith(".metadata"):
                self.send_error(404)
                return
            else:
                body = f"Metadata-Version: 2.4\nName: {name}\n{metadata[name]}\n"
            self.send_response(200)
            self.end_headers()
            self.wfile.write(body.encode())

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}/simple", asked
        server.shutdown()
        thread.join()


@pytest.fixture
def locks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a folder with one lock; the index is asked directly."""
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.delenv(name)
    (tmp_path / "one.txt").write_text(LOCK)
    return tmp_path


def test_what_is_locked_is_read_with_its_hashes(locks: Path) -> None:
    assert locked_files(locks) == {
        "left==1.0": {ONE},
        "numpy==9.9": {ONE, OTHER},
        "torch==2.0": {ONE},
        "cuda-toolkit==13": {ONE},
    }


def test_licences_are_those_of_the_locked_wheels_and_what_was_read_by_hand_is_not_asked_for(locks: Path) -> None:
    with index(METADATA) as (url, asked):
        assert renew(locks, locks / "table.toml", url) == []
    found = read_table(locks / "table.toml")
    assert found == {"left==1.0": "MIT", "numpy==9.9": 'The "Other" License', "torch==2.0": ""}
    assert [path for path in asked if path.startswith("/files/")] == [
        f"/files/{name}/locked.whl.metadata" for name in METADATA
    ]


def test_a_version_that_the_table_has_is_not_asked_for_again_and_one_that_is_gone_leaves_it(locks: Path) -> None:
    table = locks / "table.toml"
    table.write_text('"left==1.0" = "MIT"\n"right==1.0" = "MIT"\n')
    with index(METADATA) as (url, asked):
        renew(locks, table, url)
    assert "/simple/left/" not in asked
    assert list(read_table(table)) == ["left==1.0", "numpy==9.9", "torch==2.0"]


def test_a_package_without_metadata_is_named(locks: Path) -> None:
    with index({"left": METADATA["left"], "torch": METADATA["torch"]}) as (url, _):
        assert renew(locks, locks / "table.toml", url) == ["numpy==9.9"]
    assert read_table(locks / "table.toml")["numpy==9.9"] == ""


def test_an_index_that_keeps_its_metadata_to_itself_is_asked_for_the_locked_wheel(locks: Path) -> None:
    sound, altered = wheel_of("bare", "License: BSD"), wheel_of("bare", "License: MIT")
    digest = hashlib.sha256(sound).hexdigest()
    folder = locks / "index"
    (folder / "bare").mkdir(parents=True)
    for name, content in {"altered.whl": altered, "sound.whl": sound}.items():
        (folder / name).write_bytes(content)
    files = [{"url": f"/{name}", "hashes": {"sha256": digest}} for name in ("altered.whl", "sound.whl")]
    (folder / "bare" / "index.html").write_text(json.dumps({"files": files}))
    (locks / "one.txt").write_text(f"bare==1.0 \\\n    --hash=sha256:{digest}\n")

    class Handler(http.server.SimpleHTTPRequestHandler):
        """Gives what lies in the folder."""

        def __init__(self, *arguments: Any) -> None:
            super().__init__(*arguments, directory=str(folder))

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            assert renew(locks, locks / "table.toml", f"http://127.0.0.1:{server.server_port}") == []
        finally:
            server.shutdown()
            thread.join()
    assert read_table(locks / "table.toml") == {"bare==1.0": "BSD"}
