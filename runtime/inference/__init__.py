"""Inference: from a canonical volume to a segmentation, as nnU-Net v2 does it, without nnU-Net and torch."""

import os

# ONNX Runtime's official builds, from 1.29 on, keep an identifier of the machine and send events to their maker unless
# told otherwise. The variable is read once, when the library is loaded (its docs/Privacy.md): before any module here.
os.environ["ORT_DISABLE_TELEMETRY"] = "1"
