"""Kept engines: the key, what is never loaded, and several processes at once."""

import json
import multiprocessing
import os
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from runtime.inference.engine_cache import EngineCache, EngineKey, sha256_of
from runtime.inference.errors import BackendUnavailable

KEY = EngineKey("tensorrt-rtx", "tensorrt_rtx 1.7.1.116", "sm_89", "ab" * 32, {"precision": "float32", "tf32": False})
ENGINE = b"an engine\n" * 100


class Box:
    """A cache with a backend that counts how often it builds and loads."""

    def __init__(self, folder: Path) -> None:
        self.said = list[str]()
        self.cache = EngineCache(folder, self.said.append)
        self.built = 0

    def obtain(self, key: EngineKey = KEY, load: Callable[[bytes], bytes] = lambda engine: engine) -> bytes:
        """Return the engine of a key, built if it must be."""
        return self.cache.obtain(key, load, self._build)

    def _build(self) -> tuple[bytes, bytes]:
        self.built += 1
        return ENGINE, ENGINE


@pytest.fixture
def box(tmp_path: Path) -> Box:
    """Return a cache with one sound engine in it."""
    box = Box(tmp_path / "engines")
    assert box.obtain() == ENGINE
    assert box.said == [f"tensorrt-rtx: building the engine of fold {'ab' * 6}: none is stored"]
    box.said.clear()
    return box


def stored(box: Box) -> Path:
    return box.cache.folder / KEY.file_name


def test_a_sound_engine_is_loaded_and_not_built_again(box: Box) -> None:
    assert box.obtain() == ENGINE
    assert box.built == 1
    assert box.said == []
    assert box.cache.holds(KEY)
    assert len(box.cache) == 1


def test_every_engine_is_counted_as_built_or_stored(tmp_path: Path) -> None:
    counted = list[str]()
    for _ in range(2):
        cache = EngineCache(tmp_path, count=counted.append)
        cache.obtain(KEY, lambda engine: engine, lambda: (ENGINE, ENGINE))
    assert counted == ["built", "stored"]


def test_the_key_is_the_sha256_of_its_parts_in_canonical_json() -> None:
    # printf '%s' '{"backend": "b", "device": "d", "fold_sha256": "00", "library": "l", "options": {}}' | sha256sum
    key = EngineKey("b", "l", "d", "00")
    assert key.digest == "de2c8cbc6ddf4cd4e478cb7e81168cf25fa878f0cb0c3edff7485058bb1f55af"


@pytest.mark.parametrize(
    "other",
    [
        replace(KEY, backend="tensorrt"),
        replace(KEY, library="tensorrt_rtx 1.6.1.120"),
        replace(KEY, device="sm_120"),
        replace(KEY, fold_sha256="cd" * 32),
        replace(KEY, options={"precision": "float16", "tf32": False}),
        replace(KEY, options={"precision": "float32"}),
    ],
)
def test_another_library_device_fold_or_option_builds_an_engine_of_its_own(box: Box, other: EngineKey) -> None:
    assert other.file_name != KEY.file_name
    box.obtain(other)
    assert box.built == 2
    assert box.cache.holds(KEY)


def test_after_an_update_the_old_engine_is_named_as_stale(box: Box) -> None:
    box.obtain(replace(KEY, library="tensorrt_rtx 1.8.0"))
    assert "is stale: library 'tensorrt_rtx 1.7.1.116', now 'tensorrt_rtx 1.8.0'" in box.said[0]


def test_a_foreign_engine_under_the_right_name_is_never_loaded(box: Box) -> None:
    foreign = replace(KEY, device="sm_120")
    stored(box).write_bytes(box.cache.write(foreign, b"of another GPU").read_bytes())
    assert box.obtain() == ENGINE
    assert "is foreign: device 'sm_120', now 'sm_89'" in box.said[0]
    assert box.built == 2
    assert box.obtain() == ENGINE
    assert box.built == 2


def flipped(content: bytes) -> bytes:
    return content[:-5] + bytes([content[-5] ^ 1]) + content[-4:]


@pytest.mark.parametrize(
    ("damage", "reason"),
    [
        (flipped, "damaged: its bytes changed"),
        (lambda content: content[:-20], "damaged: 980 bytes instead of 1000"),
        (lambda content: content + b"x", "damaged: 1001 bytes instead of 1000"),
        (lambda _: b"", "damaged: it has no header"),
        (lambda _: b"vtrt\0\0" * 50000, "damaged: it has no header"),
        (lambda _: b"[" * 65000 + b"\n", "damaged: it has no header"),
        (lambda _: b'{"format": "sidewall-engine 1"}\n', "foreign: it does not say what it was made for"),
    ],
)
def test_a_damaged_engine_is_built_anew_and_never_loaded(
    box: Box, damage: Callable[[bytes], bytes], reason: str
) -> None:
    stored(box).write_bytes(damage(stored(box).read_bytes()))

    def load(_: bytes) -> bytes:
        pytest.fail("a damaged engine was given to its library")

    assert box.obtain(load=load) == ENGINE
    assert reason in box.said[0]
    assert box.obtain() == ENGINE
    assert box.built == 2


def test_an_engine_that_its_library_does_not_take_is_built_anew(box: Box) -> None:
    def refuse(_: bytes) -> bytes:
        raise BackendUnavailable("tensorrt does not take the engine: version")

    assert box.obtain(load=refuse) == ENGINE
    assert box.said == [
        f"tensorrt-rtx: building the engine of fold {'ab' * 6}: tensorrt does not take the engine: version"
    ]


def test_an_engine_that_every_user_may_write_is_not_loaded(box: Box) -> None:
    stored(box).chmod(0o666)
    box.obtain()
    assert "foreign: every user may write it" in box.said[0]
    assert stored(box).stat().st_mode & 0o777 == 0o600


def test_what_is_written_is_whole_and_leaves_nothing_beside_it(box: Box) -> None:
    header, engine = stored(box).read_bytes().split(b"\n", 1)
    assert engine == ENGINE
    assert json.loads(header) == {
        "format": "sidewall-engine 1",
        "key": KEY.to_mapping(),
        "bytes": 1000,
        "sha256": sha256_of(ENGINE),
    }
    assert {path.suffix for path in box.cache.folder.iterdir()} == {".engine", ".lock"}


def test_a_write_that_fails_leaves_the_old_engine(box: Box, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", fail)
    with pytest.raises(OSError, match="No space left"):
        box.cache.write(KEY, b"new")
    monkeypatch.undo()
    assert box.obtain() == ENGINE
    assert box.built == 1
    assert not list(box.cache.folder.glob("*.part"))


def test_what_an_ended_process_left_half_written_is_removed_by_the_next_that_needs_this_engine(box: Box) -> None:
    half = [box.cache.folder / f"{KEY.file_name}.ab12.part", box.cache.folder / f"other-{KEY.file_name}.ab12.part"]
    for each in half:
        each.write_bytes(ENGINE[:10])
    assert box.obtain() == ENGINE
    assert [each.exists() for each in half] == [False, True]


def test_a_folder_that_cannot_be_made_costs_the_storing_and_nothing_else(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    box = Box(tmp_path / "file" / "engines")
    assert box.obtain() == ENGINE
    assert box.said[1].startswith("warning: ")
    assert "the engine is used but cannot be stored in" in box.said[1]
    assert "Not a directory" in box.said[1]


def build_slowly(folder: Path, start: "multiprocessing.synchronize.Barrier", builds: Path) -> None:
    """Obtain the engine at the same time as others, and leave a trace of every build."""

    def build() -> tuple[bytes, bytes]:
        (builds / str(os.getpid())).write_text("")
        return ENGINE, ENGINE

    start.wait()
    assert EngineCache(folder).obtain(KEY, lambda engine: engine, build) == ENGINE


def test_of_several_processes_one_builds_and_all_have_the_engine(tmp_path: Path) -> None:
    context = multiprocessing.get_context("fork")
    start, builds = context.Barrier(4), tmp_path / "builds"
    builds.mkdir()
    processes = [context.Process(target=build_slowly, args=(tmp_path / "engines", start, builds)) for _ in range(4)]
    for process in processes:
        process.start()
    for process in processes:
        process.join(30)
    assert [process.exitcode for process in processes] == [0] * 4
    assert len(list(builds.iterdir())) == 1
