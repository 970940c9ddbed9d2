#include "capi.h"

// Both layouts are returned by value through a hidden pointer. `room` keeps a
// library that has grown its struct from writing past ours.

struct options_2_18 {
  int32_t threads;
  uint32_t flags;
  void* weights_cache;
  _Bool handle_variable_ops;
  const char* weight_cache_file;
  char room[224];
};

struct options_2_20 {
  int32_t threads;
  uint32_t runtime_flags;
  uint32_t flags;
  void* weights_cache;
  _Bool handle_variable_ops;
  const char* weight_cache_file;
  int32_t weight_cache_descriptor;
  void* weight_cache_provider;
  char room[200];
};

// In 2.18 and 2.19 the two 8-bit kinds (QS8 = 1, QU8 = 2) must be asked for.
static const uint32_t eight_bit = 3;

// One symbol under two names: its result type depends on the library's version.
struct options_2_18 default_2_18(void) __asm__("TfLiteXNNPackDelegateOptionsDefault");
struct options_2_20 default_2_20(void) __asm__("TfLiteXNNPackDelegateOptionsDefault");
TfLiteDelegate* TfLiteXNNPackDelegateCreate(const void* options);
void TfLiteXNNPackDelegateDelete(TfLiteDelegate* delegate);

TfLiteDelegate* edge_xnnpack_create(edge_layout layout, int32_t threads) {
  switch (layout) {
    case EDGE_XNNPACK_2_18: {
      struct options_2_18 o = default_2_18();
      o.threads = threads;
      o.flags |= eight_bit;
      return TfLiteXNNPackDelegateCreate(&o);
    }
    case EDGE_XNNPACK_2_20: {
      struct options_2_20 o = default_2_20();
      o.threads = threads;
      return TfLiteXNNPackDelegateCreate(&o);
    }
    default:
      return NULL;
  }
}

void edge_xnnpack_delete(TfLiteDelegate* delegate) { TfLiteXNNPackDelegateDelete(delegate); }
