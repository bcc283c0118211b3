# Folds from images and masks, signed bundles from folds: `make images IMAGES=training`, or
#   podman build -f docker/training.Dockerfile -t sidewall-training .
# torch with CUDA, whose libraries are under NVIDIA's licence; `--build-arg LOCK=training-cpu` gives one without, whose wheel is not
# on PyPI (docker/README.md). Runs to its end and serves nothing, so that it has no health check.

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
ARG LOCK=training
COPY docker/locks/uv.txt docker/locks/image-build.txt docker/locks/${LOCK}.txt docker/packages.sh ./
# A folder or page with torch's wheel without CUDA.
ARG WHEELS=
RUN sh packages.sh "${LOCK}.txt"
# From here on the commit decides; what it has locked is installed once for all commits.
ARG SOURCE_DATE_EPOCH=315532800
COPY pyproject.toml README.md LICENSE ./
COPY proto proto
COPY base base
COPY trust trust
COPY core core
COPY runtime runtime
COPY phantom phantom
COPY training training
COPY export export
COPY docker/licences.py docker/licences.toml docker/lean.sh docker/finish.sh docker/
RUN sh docker/finish.sh sidewall-train sidewall-export

FROM python AS root
COPY docker/rootfs.sh /
COPY --from=packages /opt/sidewall /rootfs/opt/sidewall
RUN sh /rootfs.sh /rootfs

FROM scratch
ARG VERSION=unknown
ARG REVISION=unknown
LABEL org.opencontainers.image.title="sidewall-training" \
      org.opencontainers.image.description="Makes the models for lateral pelvic lymph nodes on MRI. Research use only." \
      org.opencontainers.image.licenses="Apache-2.0" \
      org.opencontainers.image.version="${VERSION}" \
      org.opencontainers.image.revision="${REVISION}"
COPY --from=root /rootfs /
# torch.compile would need a compiler, and to count processes nnU-Net a shell; nothing asks a model hub for anything.
ENV PATH=/opt/sidewall/bin:/usr/bin \
    PYTHONDONTWRITEBYTECODE=1 \
    ORT_DISABLE_TELEMETRY=1 \
    HOME=/tmp \
    nnUNet_compile=false \
    nnUNet_n_proc_DA=12 \
    HF_HUB_OFFLINE=1 \
    HF_HUB_DISABLE_TELEMETRY=1
USER 10001:10001
WORKDIR /work
CMD ["sidewall-train", "--help"]
