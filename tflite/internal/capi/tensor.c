#include "capi.h"

// Declared weak: older libraries lack it.
extern const TfLiteIntArray* TfLiteTensorGetDimsSignature(const TfLiteTensor* tensor) __attribute__((weak));

int32_t edge_signature(const TfLiteTensor* tensor, int32_t index) {
  int32_t dim = TfLiteTensorDim(tensor, index);
  if (!TfLiteTensorGetDimsSignature) return dim;
  const TfLiteIntArray* signature = TfLiteTensorGetDimsSignature(tensor);
  if (signature == NULL || signature->size != TfLiteTensorNumDims(tensor)) return dim;
  return signature->data[index];
}
