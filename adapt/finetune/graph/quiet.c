//go:build tensorflow

// TensorFlow's library writes two lines to standard error while it is loaded,
// before any of the program runs, even for --help: that "oneDNN custom
// operations are on", and a warning that its log goes to standard error.
// TF_CPP_MIN_LOG_LEVEL stops later lines of that kind and not these two, and
// TF_ENABLE_ONEDNN_OPTS=0 does so by doing without oneDNN.
//
// So while the libraries' initialisers run, standard error leads into memory.
// Then it is put back, and what was written is written there, but for these two
// lines. TF_CPP_MIN_LOG_LEVEL=0 asks for all of TensorFlow's log, and gets it:
// that is also how to hear a library that ends the process while it is loaded.

#define _GNU_SOURCE
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

static const char *const unwanted[] = {
	"WARNING: All log messages before absl::InitializeLog() is called are written to STDERR",
	"oneDNN custom operations are on.",
};

static int stderr_kept = -1, written = -1;

// hold runs before the initialisers of the libraries.
static void hold(int argc, char **argv, char **envp) {
	(void)argc, (void)argv;
	for (; *envp != NULL; envp++) {
		if (strcmp(*envp, "TF_CPP_MIN_LOG_LEVEL=0") == 0) {
			return;
		}
	}
	stderr_kept = fcntl(STDERR_FILENO, F_DUPFD_CLOEXEC, STDERR_FILENO + 1);
	if (stderr_kept < 0) {
		return;
	}
	written = memfd_create("stderr", MFD_CLOEXEC);
	if (written >= 0) {
		dup2(written, STDERR_FILENO);
	}
}

__attribute__((section(".preinit_array"), used)) static void (*const first)(int, char **, char **) = hold;

// pass writes a line, with its end, unless it is unwanted.
static void pass(const char *line, size_t length) {
	for (size_t i = 0; i < sizeof unwanted / sizeof *unwanted; i++) {
		if (memmem(line, length, unwanted[i], strlen(unwanted[i])) != NULL) {
			return;
		}
	}
	while (length > 0) {
		ssize_t n = write(STDERR_FILENO, line, length);
		if (n <= 0) {
			return;
		}
		line += n, length -= (size_t)n;
	}
}

// release runs after the initialisers of the libraries, and before Go.
__attribute__((constructor)) static void release(void) {
	if (stderr_kept < 0) {
		return;
	}
	if (written >= 0) {
		dup2(stderr_kept, STDERR_FILENO);
		off_t size = lseek(written, 0, SEEK_END);
		char *text = size > 0 ? mmap(NULL, (size_t)size, PROT_READ, MAP_PRIVATE, written, 0) : MAP_FAILED;
		if (text != MAP_FAILED) {
			for (size_t from = 0; from < (size_t)size;) {
				const char *end = memchr(text + from, '\n', (size_t)size - from);
				size_t length = end != NULL ? (size_t)(end - text) + 1 - from : (size_t)size - from;
				pass(text + from, length);
				from += length;
			}
			munmap(text, (size_t)size);
		}
		close(written);
	}
	close(stderr_kept);
}
