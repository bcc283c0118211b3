# The DICOM node beside the engine: `make images IMAGES=gateway`, or
#   podman build -f docker/gateway.Dockerfile -t sidewall-gateway .
# What is left holds Python, the packages of docker/locks/gateway.txt and `gateway`: no shell, no package manager, no model, nothing
# that computes with one.

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
COPY docker/locks/uv.txt docker/locks/image-build.txt docker/locks/gateway.txt docker/packages.sh ./
RUN sh packages.sh gateway.txt
# From here on the commit decides; what it has locked is installed once for all commits.
ARG SOURCE_DATE_EPOCH=315532800
COPY pyproject.toml README.md LICENSE ./
COPY proto proto
COPY base base
COPY core core
COPY gateway gateway
COPY docker/licences.py docker/licences.toml docker/lean.sh docker/finish.sh docker/
RUN sh docker/finish.sh sidewall-gateway

FROM python AS root
COPY docker/rootfs.sh /
COPY --from=packages /opt/sidewall /rootfs/opt/sidewall
# Group 0: platforms that choose the user by themselves leave it that.
RUN sh /rootfs.sh /rootfs \
    && install -d -m 0755 /rootfs/etc/sidewall \
    && install -d -o 10001 -g 0 -m 0775 /rootfs/var/lib/sidewall-gateway

FROM scratch
ARG VERSION=unknown
ARG REVISION=unknown
LABEL org.opencontainers.image.title="sidewall-gateway" \
      org.opencontainers.image.description="Receives studies, has them analysed, delivers the results. Research use only: not a medical device." \
      org.opencontainers.image.licenses="Apache-2.0" \
      org.opencontainers.image.version="${VERSION}" \
      org.opencontainers.image.revision="${REVISION}"
COPY --from=root /rootfs /
# Spool and ledger lie on a volume at /var/lib/sidewall-gateway; the site's file is mounted in /etc/sidewall.
ENV PATH=/opt/sidewall/bin:/usr/bin \
    PYTHONDONTWRITEBYTECODE=1 \
    HOME=/tmp \
    SIDEWALL_GATEWAY_SPOOL=/var/lib/sidewall-gateway \
    SIDEWALL_GATEWAY_SITE=/etc/sidewall/site.toml
USER 10001:10001
EXPOSE 11112 8080 50052
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=30s --timeout=10s --start-period=30s CMD ["sidewall-gateway", "health"]
ENTRYPOINT ["sidewall-gateway"]
CMD ["serve"]
