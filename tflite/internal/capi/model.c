#include <stdlib.h>

#include "capi.h"

// Declared weak: older libraries lack it.
extern TfLiteModel* TfLiteModelCreateFromFileWithErrorReporter(
    const char* path, void (*reporter)(void* user, const char* format, va_list args), void* user)
    __attribute__((weak));

int edge_model_is_sound(const char* path, edge_log* log) {
  if (!TfLiteModelCreateFromFileWithErrorReporter) return 1;
  TfLiteModel* model = TfLiteModelCreateFromFileWithErrorReporter(path, edge_log_report, log);
  if (model == NULL) return 0;
  TfLiteModelDelete(model);
  return 1;
}
