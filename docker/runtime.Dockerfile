# The appliance on a CPU: `make images`, or
#   podman build -f docker/runtime.Dockerfile -t sidewall-runtime .
# What is left holds Python, the packages of docker/locks/runtime.txt and `runtime`: no shell, no package manager, no model.

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
COPY docker/locks/uv.txt docker/locks/image-build.txt docker/locks/runtime.txt docker/packages.sh ./
RUN sh packages.sh runtime.txt
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

FROM scratch
ARG VERSION=unknown
ARG REVISION=unknown
LABEL org.opencontainers.image.title="sidewall-runtime" \
      org.opencontainers.image.description="Lateral pelvic lymph nodes on MRI. Research use only: not a medical device." \
      org.opencontainers.image.licenses="Apache-2.0" \
      org.opencontainers.image.version="${VERSION}" \
      org.opencontainers.image.revision="${REVISION}"
COPY --from=root /rootfs /
# Compiled networks lie on a volume, if there is one; the model bundle is mounted at /bundle, or pulled to a volume at
# /var/lib/sidewall/bundles.
ENV PATH=/opt/sidewall/bin:/usr/bin \
    PYTHONDONTWRITEBYTECODE=1 \
    HOME=/var/cache/sidewall \
    SIDEWALL_BUNDLE=/bundle \
    SIDEWALL_ENGINE_CACHE=/var/cache/sidewall/engines
USER 10001:10001
EXPOSE 50051 9464
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=30s --timeout=10s --start-period=120s CMD ["sidewall", "health"]
ENTRYPOINT ["sidewall"]
CMD ["serve"]
