# Two commands do all the set-up on a fresh Debian machine with Python 3.11: `make demo` and `make test`.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
BUNDLE ?= models/demo
SEEDS ?= 0-99
EVALUATION ?= benchmarks/results/demo_model.json
MODE ?= fast
VALIDATE ?= $(if $(shell command -v dciodvfy 2>/dev/null),--validate)
CLEAN_SEEDS ?= 0-49
GATES ?= benchmarks/results/quality_gates.json

.DEFAULT_GOAL := help

.PHONY: help demo test lint types format proto proto-check demo-bundle demo-card evaluate gates parity speed images offline-bundle locks clean

help: ## Show the commands
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## (.*)/  make \1\t\2/' | expand -t 22

$(BIN)/python:
	$(PYTHON) -m venv $(VENV)

# A stamp per set of extras, renewed when the pins change.
$(VENV)/.installed-demo: $(BIN)/python pyproject.toml proto/pyproject.toml
	$(BIN)/pip install --quiet -e ./proto -e ".[runtime,cpu,phantom]"
	@touch $@

# torch and nnunetv2 stand in one command, so that the pinned torch is the one nnunetv2 gets.
$(VENV)/.installed-dev: $(BIN)/python pyproject.toml proto/pyproject.toml
	$(BIN)/pip install --quiet "torch==2.13.0" "nnunetv2==2.8.1" -e ./proto -e ".[dev]"
	@touch $@ $(VENV)/.installed-demo

demo: $(VENV)/.installed-demo ## Install, start the server, analyse a phantom and a real series over gRPC
	$(BIN)/python -m demo --bundle $(BUNDLE) --out out/demo

test: $(VENV)/.installed-dev ## Install and run every test
	$(BIN)/python -m pytest

lint: $(VENV)/.installed-dev ## Format check, lint, types, import contracts, generated stubs
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/python proto/generate.py --check

format: $(VENV)/.installed-dev ## Format and mend what can be mended
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

proto: $(VENV)/.installed-dev ## Make the gRPC stubs again
	$(BIN)/python proto/generate.py

# The whole recipe from seeds to bundle: about 80 minutes on two cores, less with more. The result lies in work/demo/bundle; the
# committed one in models/demo was made so with its own key. To load a bundle signed with your key, name the folder of your *.pub
# in SIDEWALL_TRUSTED_KEYS.
MODEL := work/demo/nnUNet_results/Dataset501_Sidewall/SidewallTrainer__demo__3d_fullres
# Chosen on seeds neither trained on nor measured on: 0.8 and 7 mm on 1130-1149 (the model's opinion on small nodes is poor), the mean
# posterior of 0.875 on 1130-1149 and 1220-1259 (the largest sum of sensitivity and PPV from 5 mm).
KEY ?= work/keys/demo.pem
NEW_BUNDLE ?= work/demo/bundle

$(KEY): | $(VENV)/.installed-dev
	@mkdir -p $(@D)
	$(BIN)/sidewall-export keygen $@ --trusted-for phantom

demo-bundle: $(VENV)/.installed-dev $(KEY) ## Make the demo bundle: phantoms, five folds, cross-validation, export
	$(BIN)/sidewall-train prepare --seeds 1000-1129,1150-1219 --warm-start-cases 90
	$(BIN)/sidewall-train fit --parallel 5 --threads 1
	$(BIN)/sidewall-train evaluate --cases-per-fold 4 --out benchmarks/results/demo_cross_validation.json
	$(BIN)/sidewall-export bundle $(MODEL) --reference-cases work/demo/nnUNet_raw/Dataset501_Sidewall/imagesTr --reference-count 150 \
		--positive-probability 0.8 --model-min-short-axis 7 --min-mean-posterior 0.875 --key $(KEY) --out $(NEW_BUNDLE) \
		--figures "Cross-validation=benchmarks/results/demo_cross_validation.json"

# After `make evaluate BUNDLE=$(NEW_BUNDLE)`, for only a finished bundle can be measured. It makes no key: an untrusted one would stop it.
demo-card: $(VENV)/.installed-dev ## Write the evaluation into the new demo bundle's model card and sign it again
	$(BIN)/sidewall-export card $(NEW_BUNDLE) --key $(KEY) --figures "Evaluation=$(EVALUATION)" \
		--figures "Cross-validation=benchmarks/results/demo_cross_validation.json"

parity: $(VENV)/.installed-dev ## Compare the bundle's label maps with nnU-Net's own predictor
	$(BIN)/python -m benchmarks.parity --bundle $(BUNDLE) --out benchmarks/results/parity.json

speed: $(VENV)/.installed-dev ## Time five folds beside nnU-Net's own predictor
	$(BIN)/python -m benchmarks.inference_speed --bundle $(BUNDLE) --out benchmarks/results/inference_speed.json

evaluate: $(VENV)/.installed-dev ## Measure the bundle on phantoms no fold has seen; validate its DICOM (with dciodvfy)
	$(BIN)/python -m benchmarks.evaluate_model --bundle $(BUNDLE) --seeds $(SEEDS) --mode $(MODE) --out $(EVALUATION) $(VALIDATE)

gates: $(VENV)/.installed-dev ## Show that every quality gate fires on its case; count alarms on clean phantoms
	$(BIN)/python -m benchmarks.quality_gates --bundle $(BUNDLE) --seeds $(CLEAN_SEEDS) --mode $(MODE) --out $(GATES)

images: ## Build the container image of the runtime (podman or buildah)
	docker/build.sh runtime

offline-bundle: ## Pack image, bundle, units and installer into one file for a box without a network
	docker/offline.sh $(BUNDLE) out/offline/sidewall.tar

# One lock file per image, from its extras: every version and the SHA-256 of its files. openvino-telemetry is left out of what is
# installed: it reports use to its maker (runtime/inference/openvino_backend.py does without it).
LOCK = $(BIN)/uv pip compile pyproject.toml --quiet --upgrade --generate-hashes --no-header --no-annotate \
	--python-version 3.11 --python-platform x86_64-manylinux_2_34 \
	--no-emit-package sidewall-client --no-emit-package sidewall-appliance --no-emit-package openvino-telemetry

locks: $(VENV)/.installed-dev ## Renew the lock files of the images
	$(LOCK) --extra runtime --extra openvino --output-file docker/locks/runtime.txt
	$(LOCK) --extra runtime --extra gpu --extra tensorrt-rtx --output-file docker/locks/runtime-gpu.txt
	$(LOCK) --extra training --extra export --output-file docker/locks/training.txt
	$(LOCK) --extra analytics --output-file docker/locks/analytics.txt
	$(LOCK) --extra image-build --output-file docker/locks/image-build.txt
	$(LOCK) --extra uv --output-file docker/locks/uv.txt

clean: ## Remove what the commands made
	rm -rf out build *.egg-info proto/*.egg-info .mypy_cache .ruff_cache .pytest_cache
