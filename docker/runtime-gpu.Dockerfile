# The appliance on an NVIDIA GPU: `make images IMAGES=runtime-gpu`, or
#   podman build -f docker/runtime-gpu.Dockerfile -t sidewall-runtime-gpu .
# With ONNX Runtime's CUDA provider and TensorRT for RTX. NVIDIA's libraries are under NVIDIA's licence: whoever builds this
# accepts it, and the image is not ours to pass on. The driver, 580 or later, comes with the machine.
# `--target tensorrt` adds TensorRT 10, whose wheels come from NVIDIA's own index alone.

FROM docker.io/library/debian:bookworm-slim AS python
# The base image decides which versions there are.
# hadolint ignore=DL3008
RUN apt-get update \
    && apt-get install --yes --no-install-recommends python3.11 python3.11-venv ca-certificates \
    && rm -rf /var/lib/apt/lists/*

FROM python AS packages
# To strip what is compiled.
# hadolint ignore=DL3008
RUN apt-get update \
    && apt-get install --yes --no-install-recommends binutils \
    && rm -rf /var/lib/apt/lists/*
# Where an index is reached through a proxy with its own authority: its certificate, mounted for the build.
ARG PIP_CERT=/etc/ssl/certs/ca-certificates.crt
ENV PIP_CERT=${PIP_CERT} SSL_CERT_FILE=${PIP_CERT} UV_NO_CACHE=1 UV_LINK_MODE=copy
WORKDIR /build
COPY docker/locks/uv.txt docker/locks/image-build.txt docker/locks/runtime-gpu.txt docker/packages.sh ./
# ONNX Runtime calls cuFFT for Fourier transforms alone, which no network of ours has; nvJitLink is there for cuFFT.
RUN sh packages.sh runtime-gpu.txt \
    && /tools/bin/uv pip uninstall --python /opt/sidewall nvidia-cufft nvidia-nvjitlink
# From here on the commit decides; what it has locked is installed once for all commits.
ARG SOURCE_DATE_EPOCH=315532800
COPY pyproject.toml README.md LICENSE ./
COPY proto proto
COPY base base
COPY trust trust
COPY core core
COPY runtime runtime
COPY docker/licences.py docker/licences.toml docker/lean.sh docker/finish.sh docker/
RUN sh docker/finish.sh sidewall

FROM python AS root
COPY docker/rootfs.sh /
COPY --from=packages /opt/sidewall /rootfs/opt/sidewall
RUN sh /rootfs.sh /rootfs

FROM scratch AS runtime-gpu
ARG VERSION=unknown
ARG REVISION=unknown
LABEL org.opencontainers.image.title="sidewall-runtime-gpu" \
      org.opencontainers.image.description="Lateral pelvic lymph nodes on MRI, on an NVIDIA GPU. Research use only: not a medical device." \
      org.opencontainers.image.licenses="Apache-2.0 AND LicenseRef-NVIDIA-Proprietary" \
      org.opencontainers.image.version="${VERSION}" \
      org.opencontainers.image.revision="${REVISION}"
COPY --from=root /rootfs /
# Compiled networks lie on a volume, if there is one; the model bundle is mounted at /bundle. What NVIDIA's container toolkit
# brings of the driver is what computes, and no display.
ENV PATH=/opt/sidewall/bin:/usr/bin \
    PYTHONDONTWRITEBYTECODE=1 \
    ORT_DISABLE_TELEMETRY=1 \
    HOME=/var/cache/sidewall \
    NVIDIA_VISIBLE_DEVICES=all \
    NVIDIA_DRIVER_CAPABILITIES=compute,utility \
    SIDEWALL_BUNDLE=/bundle \
    SIDEWALL_ENGINE_CACHE=/var/cache/sidewall/engines
USER 10001:10001
EXPOSE 50051 9464
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=30s --timeout=10s --start-period=120s CMD ["sidewall", "health"]
ENTRYPOINT ["sidewall"]
CMD ["serve"]

FROM packages AS tensorrt-packages
ARG NVIDIA_INDEX=https://pypi.nvidia.com
RUN /tools/bin/uv pip install --python /opt/sidewall --target /opt/tensorrt --index "$NVIDIA_INDEX" \
        --requirement pyproject.toml --extra tensorrt \
    && mkdir -p /opt/tensorrt/share \
    && python3.11 docker/licences.py /opt/tensorrt /opt/tensorrt/share/LICENCES.txt

FROM runtime-gpu AS tensorrt
COPY --from=tensorrt-packages /opt/tensorrt /opt/tensorrt
ENV PYTHONPATH=/opt/tensorrt

# What is built unless a stage is named.
FROM runtime-gpu
