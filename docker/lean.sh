#!/bin/sh
# Take out of a virtual environment what a served image has no use for, and compile the rest.
#   lean.sh VENV
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
# Images that pydicom is tested with.
rm -rf "$packages/pydicom/data/test_files" "$packages/pydicom/data/charset_files"
# Tests of libraries, headers, sources and stubs.
find "$packages" -type d \( -name tests -o -name test \) -path '*/*/*' -prune -exec rm -rf {} +
find "$packages" -type f \( -name '*.pyi' -o -name '*.pyx' -o -name '*.pxd' -o -name '*.c' -o -name '*.cpp' \
    -o -name '*.h' -o -name '*.hpp' -o -name '*.a' -o -name '*.cmake' \) -delete
# Debugging symbols, 40 MB of them. Not of every library: tools that mend a wheel's libraries leave some that strip breaks.
for name in 'edt.*' 'fastcc3d.*' '_CharLS.*' '_openjpeg.*'; do
    find "$packages" -name "$name.so" -exec strip --strip-unneeded {} +
done
# A wheel holds no links: every library of GDCM is there under three names, and its programs beside them.
if [ -d "$packages/_gdcm" ]; then
    find "$packages/_gdcm" -type f -name 'gdcm*' ! -name '*.py' -delete
    for first in "$packages/_gdcm"/lib*.so; do
        for other in "$first".*; do
            if cmp -s "$first" "$other"; then ln -sf "${first##*/}" "$other"; fi
        done
    done
fi
# Commands of other packages: the appliance has its own alone.
find "$1/bin" -type f ! -name sidewall ! -name 'python*' -delete
rm -rf "$1/bin/activate"* "$1/include"
find "$1" -depth -type d -empty -delete
