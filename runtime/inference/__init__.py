"""Inference: from a canonical volume to a segmentation, as nnU-Net v2 does it, without nnU-Net and torch."""

import os

# ONNX Runtime's official builds, from 1.29 on, keep an identifier of the machine and send events to their maker unasked.
# The variable is read once, when the library is loaded (docs/Privacy.md of microsoft/onnxruntime): before any module here.
os.environ["ORT_DISABLE_TELEMETRY"] = "1"
