"""Forms of a fold against ONNX's own reference evaluator, which does every operation in its declared type, in numpy."""

import json
from typing import Any

import numpy as np
import numpy.typing as npt
import onnx
import onnxruntime
import pytest
import torch
from onnx import TensorProto, helper, numpy_helper
from onnx.reference import ReferenceEvaluator

from export.errors import ExportFailed
from export.onnx_forms import with_fixed_batch, with_metadata, with_own_weights
from export.onnx_half import in_half_precision
from export.onnx_model import export_fold, read_weights
from export.onnx_shuffle import with_pixel_shuffle
from runtime.bundle.manifest import HalfPrecision
from runtime.bundle.networks import check_network
from runtime.inference.backends.protocol import FoldOptions
from runtime.inference.backends.registry import available_backends, make_backend
from tests.fixtures.nnunet_models import PATCH, random_weights, tiny_model

Array = npt.NDArray[Any]


@pytest.fixture(scope="module")
def network() -> torch.nn.Module:
    """Return a U-Net whose transposed convolutions have kernels (2, 2, 2) and (1, 2, 2)."""
    model = tiny_model()
    return model.build_network(random_weights(model, 0))


@pytest.fixture(scope="module")
def exported(network: torch.nn.Module) -> onnx.ModelProto:
    """Return it as ONNX with a free batch size."""
    return onnx.load_from_string(export_fold(network, PATCH))


def _tiles(count: int) -> npt.NDArray[np.float32]:
    return np.random.default_rng(1).standard_normal((count, 1, *PATCH), dtype=np.float32)


def _run(model: onnx.ModelProto, tiles: Array) -> Array:
    session = onnxruntime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
    answer: Array = session.run(None, {"image": tiles})[0]
    return answer


def _evaluate(model: onnx.ModelProto, tiles: Array) -> Array:
    answers: Any = ReferenceEvaluator(model).run(None, {"image": tiles})
    answer: Array = answers[0]
    return answer


def _operators(model: onnx.ModelProto) -> list[str]:
    return [node.op_type for node in model.graph.node]


def test_a_fixed_batch_takes_that_many_tiles_and_no_other(exported: onnx.ModelProto) -> None:
    fixed = with_fixed_batch(exported, 2)
    np.testing.assert_array_equal(_run(fixed, _tiles(2)), _run(exported, _tiles(2)))
    with pytest.raises(Exception, match=r"Got: 1 Expected: 2"):
        _run(fixed, _tiles(1))
    assert exported.graph.input[0].type.tensor_type.shape.dim[0].dim_param == "n"


def test_a_pixel_shuffle_moves_every_kernel_element_to_its_place() -> None:
    # One input channel of two voxels along x; two output channels; kernel (1, 2, 2) written out by hand.
    weight = np.array([[[[[1, 2], [3, 4]]], [[[10, 20], [30, 40]]]]], np.float32)
    graph = helper.make_graph(
        [helper.make_node("ConvTranspose", ["image", "w", "b"], ["logits"], kernel_shape=[1, 2, 2], strides=[1, 2, 2])],
        "g",
        [helper.make_tensor_value_info("image", TensorProto.FLOAT, ["n", 1, 1, 1, 2])],
        [helper.make_tensor_value_info("logits", TensorProto.FLOAT, ["n", 2, 1, 2, 4])],
        [numpy_helper.from_array(weight, "w"), numpy_helper.from_array(np.array([0.5, -1], np.float32), "b")],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    shuffled = with_pixel_shuffle(model)
    assert _operators(shuffled) == ["Conv", "Reshape", "Transpose", "Reshape"]
    answer = _run(shuffled, np.array([1, -1], np.float32).reshape(1, 1, 1, 1, 2))
    np.testing.assert_array_equal(answer[0, 0, 0], [[1.5, 2.5, -0.5, -1.5], [3.5, 4.5, -2.5, -3.5]])
    np.testing.assert_array_equal(answer[0, 1, 0], [[9, 19, -11, -21], [29, 39, -31, -41]])


@pytest.mark.parametrize(
    "changed", [{"strides": [1, 1, 1]}, {"pads": [0, 0, 0, 0, 1, 1]}, {"group": 2}, {"output_padding": [0, 1, 0]}]
)
def test_a_transposed_convolution_of_another_kind_stays(changed: dict[str, Any]) -> None:
    kind: dict[str, Any] = {"kernel_shape": [1, 2, 2], "strides": [1, 2, 2], "group": 1} | changed
    channels = 2 * kind["group"]
    weight = numpy_helper.from_array(np.ones((channels, 1, 1, 2, 2), np.float32), "w")
    graph = helper.make_graph(
        [helper.make_node("ConvTranspose", ["image", "w"], ["logits"], **kind)],
        "g",
        [helper.make_tensor_value_info("image", TensorProto.FLOAT, [1, channels, 1, 3, 3])],
        [helper.make_tensor_value_info("logits", TensorProto.FLOAT, ["n", "c", "z", "y", "x"])],
        [weight],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    assert _operators(with_pixel_shuffle(model)) == ["ConvTranspose"]


def test_a_shuffled_fold_answers_as_before_for_any_number_of_tiles(exported: onnx.ModelProto) -> None:
    shuffled = with_pixel_shuffle(exported)
    assert "ConvTranspose" not in _operators(shuffled)
    for count in (1, 3):
        np.testing.assert_allclose(_run(shuffled, _tiles(count)), _run(exported, _tiles(count)), rtol=0, atol=1e-5)


def test_nnunets_weights_come_back_out_of_a_shuffled_fold(network: torch.nn.Module, exported: onnx.ModelProto) -> None:
    model = tiny_model()
    rebuilt = model.build_network(read_weights(with_pixel_shuffle(exported).SerializeToString(), model))
    tile = torch.from_numpy(_tiles(1))
    with torch.inference_mode():
        assert torch.equal(rebuilt(tile), network(tile))


@pytest.mark.parametrize(("precision", "kind"), [("float16", TensorProto.FLOAT16), ("bfloat16", TensorProto.BFLOAT16)])
def test_all_is_halved_but_the_image_the_logits_and_the_normalisations(
    exported: onnx.ModelProto, precision: HalfPrecision, kind: int
) -> None:
    halved = in_half_precision(exported, precision)
    check_network(halved.SerializeToString(), "fold_0.onnx")
    statistics = {
        name for node in halved.graph.node if node.op_type == "InstanceNormalization" for name in node.input[1:]
    }
    weights = {entry.name: entry.data_type for entry in halved.graph.initializer}
    assert {weights[name] for name in statistics} == {TensorProto.FLOAT}
    assert {weights[name] for name in weights.keys() - statistics} == {kind}
    types = {
        value.name: value.type.tensor_type.elem_type
        for value in onnx.shape_inference.infer_shapes(halved, strict_mode=True).graph.value_info
    }
    for node in halved.graph.node:
        wanted = TensorProto.FLOAT if node.op_type == "InstanceNormalization" else kind
        if node.op_type != "Cast":
            assert {types[node.output[0]], types.get(node.input[0], wanted)} == {wanted}
    (image,), (logits,) = halved.graph.input, halved.graph.output
    assert image.type.tensor_type.elem_type == logits.type.tensor_type.elem_type == TensorProto.FLOAT
    assert (image.name, logits.name) == ("image", "logits")


@pytest.mark.parametrize(("precision", "largest"), [("float16", 5e-3), ("bfloat16", 5e-2)])
def test_a_halved_fold_answers_nearly_as_before_in_its_own_arithmetic(
    exported: onnx.ModelProto, precision: HalfPrecision, largest: float
) -> None:
    tile = _tiles(1)
    wanted = _run(exported, tile)
    answer = _evaluate(in_half_precision(exported, precision), tile)
    assert answer.dtype == np.float32
    assert 0 < np.abs(answer - wanted).max() / np.abs(wanted).max() < largest


def test_statistics_in_float32_hold_where_float16_overflows(exported: onnx.ModelProto) -> None:
    # Activations of some thousand are within float16, their squares are not.
    loud = onnx.ModelProto.FromString(exported.SerializeToString())
    first = next(entry for entry in loud.graph.initializer if entry.name == loud.graph.node[0].input[1])
    first.CopyFrom(numpy_helper.from_array(numpy_helper.to_array(first) * np.float32(3000), first.name))
    tile = _tiles(1)
    answer = _evaluate(in_half_precision(loud, "float16"), tile)
    wanted = _run(loud, tile)
    assert np.abs(answer - wanted).max() / np.abs(wanted).max() < 5e-3


def test_a_weight_beyond_float16_is_refused_by_name(exported: onnx.ModelProto) -> None:
    loud = onnx.ModelProto.FromString(exported.SerializeToString())
    weight = next(entry for entry in loud.graph.initializer if entry.name.endswith("conv.weight"))
    weight.CopyFrom(numpy_helper.from_array(np.full(list(weight.dims), 7e4, np.float32), weight.name))
    with pytest.raises(ExportFailed, match=rf"weight {weight.name} reaches 70000; allowed in float16: at most 65504"):
        in_half_precision(loud, "float16")
    in_half_precision(loud, "bfloat16")


@pytest.mark.parametrize("precision", ["float16", "bfloat16"])
@pytest.mark.parametrize("backend", available_backends())
def test_an_engine_runs_a_halved_fold_or_says_that_it_cannot(
    exported: onnx.ModelProto, precision: HalfPrecision, backend: str
) -> None:
    content, tile = in_half_precision(exported, precision).SerializeToString(), _tiles(1)
    if (backend, precision) == ("onnxruntime-cpu", "bfloat16"):
        pytest.skip("ONNX Runtime has no bfloat16 convolution for CPUs")
    answer = make_backend(backend).load_fold(content, FoldOptions(PATCH, 1, "float32")).infer(tile)
    wanted = _run(exported, tile)
    assert np.abs(answer - wanted).max() / np.abs(wanted).max() < 5e-2


def test_a_parameter_that_stands_for_several_is_written_under_each_name() -> None:
    model = tiny_model()
    untouched = onnx.load_from_string(export_fold(model.build_network(None), PATCH))  # All norm weights are 1.
    assert "Identity" in _operators(untouched)
    parted = with_own_weights(untouched)
    assert "Identity" not in _operators(parted)
    assert len(parted.graph.initializer) > len(untouched.graph.initializer)
    np.testing.assert_array_equal(_run(parted, _tiles(1)), _run(untouched, _tiles(1)))
    in_half_precision(untouched, "float16")


def test_a_model_says_about_itself_what_it_was_told_in_order_of_names(exported: onnx.ModelProto) -> None:
    described = with_metadata(exported, {"name": "tiny", "fold": "0", "labels": json.dumps({"background": 0})})
    described = with_metadata(described, {"version": "1", "name": "tiny"})
    assert [(each.key, each.value) for each in described.metadata_props] == [("name", "tiny"), ("version", "1")]
    assert not exported.metadata_props


def test_the_same_network_gives_the_same_bytes(network: torch.nn.Module) -> None:
    def forms() -> list[bytes]:
        model = onnx.load_from_string(export_fold(network, PATCH))
        made = (with_pixel_shuffle(model), in_half_precision(model, "bfloat16"), with_fixed_batch(model, 4))
        return [each.SerializeToString(deterministic=True) for each in made]

    assert forms() == forms()
