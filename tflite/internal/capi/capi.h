// What go-tflite and the published headers lack. The headers are older than the
// library, so newer functions are declared here.
#ifndef EDGE_CAPI_H
#define EDGE_CAPI_H

#include <stdarg.h>
#include <stdint.h>

#include "tensorflow/lite/c/c_api.h"
#include "tensorflow/lite/c/common.h"

// edge_layout names the layout of the library's XNNPACK options.
typedef enum {
  EDGE_XNNPACK_UNKNOWN = 0,
  EDGE_XNNPACK_2_18 = 1,  // 2.18 and 2.19
  EDGE_XNNPACK_2_20 = 2,  // 2.20 and newer
} edge_layout;

// edge_xnnpack_create makes a delegate, or returns NULL.
TfLiteDelegate* edge_xnnpack_create(edge_layout layout, int32_t threads);
void edge_xnnpack_delete(TfLiteDelegate* delegate);

// edge_log collects the messages of one interpreter, up to its room.
typedef struct edge_log edge_log;
edge_log* edge_log_new(void);
void edge_log_attach(edge_log* log, TfLiteInterpreterOptions* options);
// edge_log_take moves the text into out, which has room for size bytes with the
// final zero, and empties the log.
void edge_log_take(edge_log* log, char* out, size_t size);
void edge_log_delete(edge_log* log);
// edge_log_report has the signature of the library's reporters; user is a log.
void edge_log_report(void* user, const char* format, va_list args);

// edge_model_is_sound returns 0 when the file at path cannot be loaded, and why
// in log. A library that cannot say so counts every file as sound.
int edge_model_is_sound(const char* path, edge_log* log);

// edge_signature returns the dimension with -1 where the model leaves it open.
// It returns the present dimension when the model declares no signature.
int32_t edge_signature(const TfLiteTensor* tensor, int32_t index);

// edge_quantise writes round(src[i] * inverse), held within least and most, plus
// zero into each of n bytes; ties go to even, a NaN becomes zero. least and most
// are whole numbers within 2^22 of zero.
void edge_quantise(uint8_t* restrict dst, const float* restrict src, size_t n,
                   float inverse, float least, float most, int32_t zero);

// edge_trim gives the memory that the C library holds and nobody uses back to
// the system, where the C library can.
void edge_trim(void);

void edge_quiet(void);
void edge_die_of_signals(void);

#endif
