"""Engines of different backends in one pool: each answers its share, and says by what."""

from pathlib import Path

from tests.fixtures.gateways import GatewayPlace, running_gateway
from tests.fixtures.processes import make_bundle, running_server
from tests.fixtures.sending import renamed_study, send

SITE = """
[[engine]]
address = "{first}"

[[engine]]
address = "{second}"

[[rule]]
name = "all"
"""


def test_two_backends_share_the_work_and_every_answer_names_its_own(
    place: GatewayPlace, series: list[Path], tmp_path: Path
) -> None:
    bundle = make_bundle(tmp_path)
    folders = [tmp_path / "first", tmp_path / "second"]
    for folder in folders:
        folder.mkdir()
    with (
        running_server(bundle, folders[0], SIDEWALL_BACKEND="onnxruntime-cpu") as first,
        running_server(bundle, folders[1], SIDEWALL_BACKEND="openvino-cpu") as second,
    ):
        place.write_site(SITE.format(first=first.address, second=second.address))
        with running_gateway(place) as gateway:
            for _ in range(2):
                send(gateway.port, renamed_study(series))
            one, two = place.wait_for_states("answered", "answered")
    assert {one.engine.split()[-1], two.engine.split()[-1]} == {"onnxruntime-cpu", "openvino-cpu"}
    assert one.answer["bundle"] == two.answer["bundle"]
    assert one.answer["status"] == two.answer["status"] == "positive"
