#!/bin/sh
# Take out of a virtual environment what an image has no use for.
#   lean.sh VENV COMMAND...
# COMMAND is what may be called; no other package's command stays.
set -eu
packages="$1/lib/python3.11/site-packages"

# The CPU plugin reads ONNX; the other devices, front ends and the maker's cache of GPU kernels are never loaded.
if [ -d "$packages/openvino" ]; then
    for name in intel_gpu_plugin intel_npu_plugin auto_plugin auto_batch_plugin hetero_plugin gguf_frontend \
        jax_frontend paddle_frontend pytorch_frontend tensorflow_frontend tensorflow_lite_frontend; do
        rm -f "$packages/openvino/libs/libopenvino_$name.so" "$packages/openvino/libs/libopenvino_$name.so."*
    done
    rm -f "$packages/openvino/libs/cache.json"
fi
# When a wheel was installed: the one thing in which two builds of a commit differed.
find "$packages" -name RECORD -exec sed -i '/uv_cache\.json,/d' {} +
find "$packages" -name uv_cache.json -delete
# Images that pydicom is tested with, and data that other libraries and our own guide show examples on.
rm -rf "$packages/pydicom/data/test_files" "$packages/pydicom/data/charset_files" "$packages/matplotlib/mpl-data/sample_data" \
    "$packages/analytics/examples"
for folder in statsmodels/datasets lifelines/datasets sklearn/datasets onnxruntime/datasets skimage/data; do
    [ ! -d "$packages/$folder" ] || find "$packages/$folder" -type f ! -name '*.py' ! -name '*.pyi' -delete
done
# Arrow's ways to other machines.
rm -f "$packages/pyarrow"/libarrow_flight.* "$packages/pyarrow"/libarrow_python_flight.* "$packages/pyarrow"/libarrow_s3.* \
    "$packages/pyarrow"/_flight.* "$packages/pyarrow"/_s3fs.* "$packages/pyarrow"/_gcsfs.* "$packages/pyarrow"/_azurefs.* \
    "$packages/pyarrow"/_hdfs.* "$packages/pyarrow"/_pyarrow_cpp_tests.*
# Of NVIDIA's libraries those that stand in for a CPU's, and ONNX Runtime as a library for other languages.
rm -f "$packages/nvidia/cu13/lib"/libnvblas.* "$packages/onnxruntime/capi"/libonnxruntime.so.*
rm -rf "$packages/nvidia"/*/include
# What torch and triton compile with; processes share memory by the one that stays.
rm -rf "$packages/triton/backends/nvidia/bin"
[ ! -d "$packages/torch/bin" ] || find "$packages/torch/bin" -type f ! -name torch_shm_manager -delete
# What a wheel leaves outside its package, and messages that protobuf is tested with.
rm -rf "$packages/docs" "$packages/google/protobuf/testdata"
# Tests of libraries, headers, sources and stubs.
find "$packages" -type d \( -name tests -o -name test \) -path '*/*/*' -prune -exec rm -rf {} +
# scikit-image finds its functions by its stubs.
find "$packages" -type f ! -path '*/skimage/*' \( -name '*.pyi' -o -name '*.pyx' -o -name '*.pxd' -o -name '*.c' -o -name '*.cpp' \
    -o -name '*.h' -o -name '*.hpp' -o -name '*.a' -o -name '*.cmake' \) -delete
# Debugging symbols, 40 MB of them. Not of every library: tools that mend a wheel's libraries leave some that strip breaks.
for name in 'edt.*' 'fastcc3d.*' '_CharLS.*' '_openjpeg.*'; do
    find "$packages" -name "$name.so" -exec strip --strip-unneeded {} +
done
# A wheel holds no links: every library of GDCM and some of Arrow are there under three names. GDCM has programs beside them.
[ ! -d "$packages/_gdcm" ] || find "$packages/_gdcm" -type f -name 'gdcm*' ! -name '*.py' -delete
for first in "$packages/_gdcm"/lib*.so "$packages/pyarrow"/lib*.so; do
    [ -f "$first" ] || continue
    for other in "$first".*; do
        if cmp -s "$first" "$other"; then ln -sf "${first##*/}" "$other"; fi
    done
done
environment="$1"
shift
for file in "$environment/bin"/*; do
    case " $* " in *" ${file##*/} "*) continue ;; esac
    # The links are Python.
    [ -L "$file" ] || rm -f "$file"
done
rm -rf "$environment/include"
find "$environment" -depth -type d -empty -delete
