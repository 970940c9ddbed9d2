#include "capi.h"

#include <string.h>

// Compilers turn the loop into vector code: it has no branch and no call, and a
// picture of 128x128 takes a tenth of what it takes in Go.
void edge_quantise(uint8_t *restrict dst, const float *restrict src, size_t n,
                   float inverse, float least, float most, int32_t zero) {
  // Adding 1.5 * 2^23 leaves the integer nearest to a small number in the
  // mantissa's low bits, ties to even. The clamp keeps the number small.
  const float round = 12582912.0f;
  const int32_t bits_of_round = 0x4B400000;
  for (size_t i = 0; i < n; i++) {
    float r = src[i] * inverse;
    r = r == r ? r : 0.0f;
    r = r < least ? least : r;
    r = r > most ? most : r;
    r += round;
    int32_t bits;
    memcpy(&bits, &r, sizeof bits);
    dst[i] = (uint8_t)(bits - bits_of_round + zero);
  }
}
