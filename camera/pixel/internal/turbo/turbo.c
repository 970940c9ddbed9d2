//go:build linux && cgo

#define _GNU_SOURCE
#include "turbo.h"

#include <dlfcn.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>

// Of turbojpeg.h; they have not changed since version 1.2, 1.4 and 2.1.
enum {
  FORMAT_RGB = 0,
  FLAG_ACCURATE_DCT = 4096,
  FLAG_STOP_ON_WARNING = 8192,
};

// find looks a function up. The copy is how POSIX has a function made of dlsym's
// pointer to data.
static int find(const edge_turbo* t, const char* name, void* function) {
  void* symbol = dlsym(t->library, name);
  memcpy(function, &symbol, sizeof symbol);
  return symbol != NULL;
}

int edge_turbo_open(edge_turbo* t, const char* name) {
  memset(t, 0, sizeof *t);
  t->library = dlopen(name, RTLD_NOW | RTLD_LOCAL);
  if (t->library == NULL) return 0;
  if (find(t, "tjInitDecompress", &t->init) && find(t, "tjDecompressHeader3", &t->header) &&
      find(t, "tjDecompress2", &t->decompress) && find(t, "tjDestroy", &t->destroy)) {
    return 1;
  }
  edge_turbo_close(t);
  return 0;
}

void edge_turbo_close(edge_turbo* t) {
  dlclose(t->library);
  memset(t, 0, sizeof *t);
}

void edge_turbo_path(const edge_turbo* t, char* out, size_t size) {
  Dl_info info;
  void* symbol = dlsym(t->library, "tjInitDecompress");
  const char* path = symbol != NULL && dladdr(symbol, &info) != 0 ? info.dli_fname : "";
  snprintf(out, size, "%s", path);
}

int edge_turbo_decode(const edge_turbo* t, const unsigned char* data, size_t size,
                      int width, int height, int sampling, int colours,
                      unsigned char* dst, int scaled_width, int scaled_height) {
  if (size > LONG_MAX) return 0;
  // A decoder of its own for each picture costs a microsecond and keeps no state
  // from one to the next.
  void* handle = t->init();
  if (handle == NULL) return 0;
  int w = 0, h = 0, s = -1, c = -1;
  // Given a size, the library takes the largest scale that stays within it, so
  // it never writes more, even if it saw another picture than the caller.
  int good = t->header(handle, data, size, &w, &h, &s, &c) == 0 &&
             w == width && h == height && s == sampling && c == colours &&
             t->decompress(handle, data, size, dst, scaled_width, 3 * scaled_width, scaled_height,
                           FORMAT_RGB, FLAG_ACCURATE_DCT | FLAG_STOP_ON_WARNING) == 0;
  t->destroy(handle);
  return good;
}
