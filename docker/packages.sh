#!/bin/sh
# Install the packages of one lock, and nothing that it does not name, into /opt/sidewall; what they are installed with
# goes to /tools. In the folder that holds the locks.
#   packages.sh LOCK
# WHEELS names a folder or a page of wheels that are not on PyPI.
set -eu
# Of every commit alike: what is built from source must not depend on it.
export SOURCE_DATE_EPOCH=315532800
python3.11 -m venv /tools
/tools/bin/pip install --no-cache-dir --no-compile --require-hashes --no-deps --requirement uv.txt
/tools/bin/uv pip install --python /tools --require-hashes --no-deps --requirement image-build.txt
/tools/bin/uv venv --no-project --python python3.11 /opt/sidewall
# Some packages are there as source alone: no compiler is here, and what they are built with is locked too.
/tools/bin/uv pip install --python /opt/sidewall --require-hashes --no-deps --build-constraints image-build.txt \
    ${WHEELS:+--find-links "$WHEELS"} --requirement "$1"
