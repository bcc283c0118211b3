"""ONNX files that are refused, made with the `onnx` package that the check does without."""

import re
from pathlib import Path

import numpy as np
import onnx
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from onnx import TensorProto, helper, numpy_helper

from runtime.bundle.loading import load_bundle
from runtime.bundle.networks import check_network
from tests.fixtures.bundles import FOLD_COUNT, make_network, make_tiny_bundle, reseal
from trust.errors import BundleRejected

DEMO = Path(__file__).parents[3] / "models" / "demo"


def _tensor(values: list[float], kind: int, *, raw: bool) -> onnx.TensorProto:
    if not raw:
        return helper.make_tensor("w", kind, [len(values)], values)
    tensor = helper.make_tensor("w", kind, [len(values)], values)
    return helper.make_tensor("w", kind, [len(values)], numpy_helper.to_array(tensor).tobytes(), raw=True)


def _model(*initializers: onnx.TensorProto, attribute: object = None) -> bytes:
    node = helper.make_node("Constant", [], ["x"])
    if attribute is not None:
        node.attribute.append(helper.make_attribute("value", attribute))
    graph = helper.make_graph([node], "g", [], [], list(initializers))
    content: bytes = helper.make_model(graph).SerializeToString()
    return content


@pytest.mark.parametrize("raw", [False, True])
@pytest.mark.parametrize("bad", [float("nan"), float("inf"), float("-inf")])
@pytest.mark.parametrize("kind", [TensorProto.FLOAT, TensorProto.FLOAT16, TensorProto.DOUBLE, TensorProto.BFLOAT16])
def test_a_weight_that_is_no_finite_number_is_rejected(kind: int, bad: float, raw: bool) -> None:
    check_network(_model(_tensor([1.0, -2.0, 0.0], kind, raw=raw)), "fold_0.onnx")
    with pytest.raises(
        BundleRejected, match=r"weight 'w' in file fold_0\.onnx of the bundle holds values that are not"
    ):
        check_network(_model(_tensor([1.0, bad, 0.0], kind, raw=raw)), "fold_0.onnx")


def test_weights_in_attributes_and_inner_graphs_are_seen() -> None:
    bad = _tensor([float("nan")], TensorProto.FLOAT, raw=True)
    inner = onnx.ModelProto.FromString(_model(attribute=bad)).graph
    for content in (_model(attribute=bad), _model(attribute=inner), _model(attribute=float("nan"))):
        with pytest.raises(BundleRejected, match="not finite"):
            check_network(content, "fold_0.onnx")


def test_whole_numbers_pass_and_types_without_a_meaning_here_do_not() -> None:
    check_network(_model(helper.make_tensor("w", TensorProto.INT64, [2], [1, -1])), "fold_0.onnx")
    with pytest.raises(BundleRejected, match="has the ONNX type 8; allowed"):
        check_network(_model(onnx.TensorProto(name="w", data_type=TensorProto.STRING)), "fold_0.onnx")


def test_weights_outside_the_signed_file_are_rejected() -> None:
    tensor = _tensor([1.0], TensorProto.FLOAT, raw=True)
    tensor.external_data.add(key="location", value="../../etc/shadow")
    tensor.data_location = TensorProto.EXTERNAL
    with pytest.raises(BundleRejected, match=r"weight 'w' .* lies outside the file"):
        check_network(_model(tensor), "fold_0.onnx")


@pytest.mark.parametrize("content", [b"", b"not a network", b"\x80\x04N."])
def test_what_is_no_network_is_rejected(content: bytes) -> None:
    with pytest.raises(BundleRejected, match=r"file fold_0\.onnx of the bundle is not an ONNX network"):
        check_network(content, "fold_0.onnx")


def test_a_weight_that_is_cut_off_is_rejected() -> None:
    tensor = _tensor([1.0], TensorProto.FLOAT, raw=True)
    tensor.raw_data = tensor.raw_data[:-1]
    with pytest.raises(BundleRejected, match="is cut off"):
        check_network(_model(tensor), "fold_0.onnx")


def test_every_weight_of_the_demo_model_is_looked_at() -> None:
    network = onnx.ModelProto.FromString((DEMO / "fold_0.onnx").read_bytes())
    check_network(network.SerializeToString(), "fold_0.onnx")
    assert len(network.graph.initializer) > 30
    for weight in network.graph.initializer:
        sound = weight.raw_data
        weight.raw_data = sound[:-4] + np.float32(np.nan).tobytes()
        with pytest.raises(BundleRejected, match=re.escape(f"weight '{weight.name}' in file fold_0.onnx")):
            check_network(network.SerializeToString(), "fold_0.onnx")
        weight.raw_data = sound


def test_a_signed_bundle_with_a_weight_that_is_no_number_does_not_open(tmp_path: Path) -> None:
    key = Ed25519PrivateKey.generate()
    bundle = make_tiny_bundle(tmp_path, key=key)
    (bundle / "fold_1.onnx").write_bytes(make_network([-1, 0, 1, 2, float("nan"), 4], 0))
    reseal(bundle, key)
    with pytest.raises(
        BundleRejected, match=r"weight 'weight' in file fold_1\.onnx of the bundle holds values that are"
    ):
        load_bundle(bundle, tmp_path / "keys")


def test_the_networks_of_a_variant_are_looked_at_as_the_folds_are(tmp_path: Path) -> None:
    key = Ed25519PrivateKey.generate()
    bundle = make_tiny_bundle(tmp_path, key=key)
    for fold in range(FOLD_COUNT):
        (bundle / f"half_{fold}.onnx").write_bytes(_model(_tensor([float("inf")], TensorProto.FLOAT16, raw=True)))
    reseal(bundle, key, variants={"float16": [f"half_{fold}.onnx" for fold in range(FOLD_COUNT)]})
    with pytest.raises(BundleRejected, match=r"weight 'w' in file half_0\.onnx of the bundle holds values that are"):
        load_bundle(bundle, tmp_path / "keys")
