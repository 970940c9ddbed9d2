// The part of libjpeg-turbo's TurboJPEG interface that is used, found at run
// time: neither its headers nor the library are needed to build.
#ifndef EDGE_TURBO_H
#define EDGE_TURBO_H

#include <stddef.h>

// edge_turbo holds an opened library. Its functions keep the names and meanings
// of TurboJPEG 2: tjInitDecompress, tjDecompressHeader3, tjDecompress2, tjDestroy.
typedef struct {
  void* library;
  void* (*init)(void);
  int (*header)(void* handle, const unsigned char* data, unsigned long size,
                int* width, int* height, int* sampling, int* colours);
  int (*decompress)(void* handle, const unsigned char* data, unsigned long size,
                    unsigned char* dst, int width, int pitch, int height, int format, int flags);
  int (*destroy)(void* handle);
} edge_turbo;

// edge_turbo_open looks for name where the system's loader does. It returns 1,
// or 0 and closes what it opened.
int edge_turbo_open(edge_turbo* t, const char* name);
void edge_turbo_close(edge_turbo* t);

// edge_turbo_path writes the library's file into out, which has room for size
// bytes with the final zero.
void edge_turbo_path(const edge_turbo* t, char* out, size_t size);

// edge_turbo_decode decodes the JPEG of size bytes at data, which must be
// width x height pixels in the given sampling and colours, into RGB at dst,
// which has room for scaled_width x scaled_height pixels without padding; that
// must be one of the sizes that the library scales to. It returns 1, or 0 at
// the library's first complaint, warnings included; dst is undefined then.
int edge_turbo_decode(const edge_turbo* t, const unsigned char* data, size_t size,
                      int width, int height, int sampling, int colours,
                      unsigned char* dst, int scaled_width, int scaled_height);

#endif
