#!/bin/sh
# Build our own wheels, put them into /opt/sidewall, write licences and SBOM, and take out what the image has no use for.
# In the folder with pyproject.toml.
#   finish.sh COMMAND...
# COMMAND is what may be called in the image; no other package's command stays.
set -eu
for project in proto .; do
    [ -f "$project/pyproject.toml" ] || continue
    /tools/bin/uv build --wheel --no-build-isolation --python /tools/bin/python --out-dir wheels "$project"
done
/tools/bin/uv pip install --python /opt/sidewall --no-index --no-deps wheels/*.whl
mkdir -p /opt/sidewall/share
/tools/bin/cyclonedx-py environment --output-reproducible --output-format JSON \
    --output-file /opt/sidewall/share/sbom.cdx.json /opt/sidewall/bin/python
# The list leaves out licences whose words are not SPDX's.
python3.11 docker/licences.py /opt/sidewall/lib/python3.11/site-packages /opt/sidewall/share/LICENCES.txt \
    /opt/sidewall/share/sbom.cdx.json
sh docker/lean.sh /opt/sidewall "$@"
