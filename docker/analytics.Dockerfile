# Validation and survival statistics: `make images IMAGES=analytics`, or
#   podman build -f docker/analytics.Dockerfile -t sidewall-analytics .
# Runs to its end and serves nothing, so that it has no health check. It knows nothing of the appliance but its version.

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
COPY docker/locks/uv.txt docker/locks/image-build.txt docker/locks/analytics.txt docker/packages.sh ./
RUN sh packages.sh analytics.txt
# From here on the commit decides; what it has locked is installed once for all commits.
ARG SOURCE_DATE_EPOCH=315532800
COPY pyproject.toml README.md LICENSE ./
COPY proto proto
COPY base base
COPY analytics analytics
COPY docker/licences.py docker/licences.toml docker/lean.sh docker/finish.sh docker/
RUN sh docker/finish.sh sidewall-analytics

FROM python AS root
COPY docker/rootfs.sh /
COPY --from=packages /opt/sidewall /rootfs/opt/sidewall
RUN sh /rootfs.sh /rootfs

FROM scratch
ARG VERSION=unknown
ARG REVISION=unknown
LABEL org.opencontainers.image.title="sidewall-analytics" \
      org.opencontainers.image.description="Validation and survival statistics of lateral lymph nodes. Research use only." \
      org.opencontainers.image.licenses="Apache-2.0" \
      org.opencontainers.image.version="${VERSION}" \
      org.opencontainers.image.revision="${REVISION}"
COPY --from=root /rootfs /
# Study and report are mounted, so that paths are those of the folder it is run in.
ENV PATH=/opt/sidewall/bin:/usr/bin \
    PYTHONDONTWRITEBYTECODE=1 \
    HOME=/tmp
USER 10001:10001
WORKDIR /work
ENTRYPOINT ["sidewall-analytics"]
CMD ["--help"]
