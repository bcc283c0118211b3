"""Which engine is asked, and which is left alone."""

import asyncio

from gateway.site.parts import EngineAddress
from gateway.work.engines import EnginePool, note_answer, note_refusal

FAST = EngineAddress("127.0.0.1:1", mode="fast")
EXACT = EngineAddress("127.0.0.1:2", mode="exact", parallel=2)


def test_the_least_loaded_engine_of_the_wanted_kind_is_asked() -> None:
    async def ask() -> None:
        pool = EnginePool()
        await pool.take_up([FAST, EXACT])
        fast, exact = pool.engines
        assert pool.free(mode="fast") is fast
        fast.running = 1
        assert pool.free(mode="fast") is None
        assert pool.has("fast", None)
        assert not pool.has(None, "strict")
        exact.running = 1
        assert pool.free() is exact
        exact.running = 2
        assert pool.free() is None
        await pool.close()

    asyncio.run(ask())


def test_an_engine_that_is_busy_is_left_alone_longer_each_time_and_asked_at_once_after_an_answer() -> None:
    async def ask() -> None:
        pool = EnginePool()
        await pool.take_up([EXACT])
        (engine,) = pool.engines
        pauses = []
        for _ in range(12):
            before = engine.not_before_s
            note_refusal(engine, "server_busy")
            pauses.append(engine.not_before_s - before)
            assert pool.free() is None
        assert engine.failures == 12
        assert pauses[-1] <= 30.0
        note_answer(engine, "sha256:1")
        assert pool.free() is engine
        assert engine.bundle == "sha256:1"
        await pool.close()

    asyncio.run(ask())


def test_an_engine_that_leaves_the_site_file_ends_what_it_has() -> None:
    async def ask() -> None:
        pool = EnginePool()
        await pool.take_up([FAST, EXACT])
        pool.engines[0].running = 1
        await pool.take_up([])
        assert [each.address for each in pool.engines] == [FAST]
        pool.engines[0].running = 0
        await pool.take_up([])
        assert pool.engines == ()

    asyncio.run(ask())
