#include <malloc.h>
#include <signal.h>

#include "capi.h"

// The library's own switch is a C++ function; a library without it stays loud.
extern int set_severity(int) __asm__("_ZN6tflite13LoggerOptions21SetMinimumLogSeverityENS_11LogSeverityE")
    __attribute__((weak));

void edge_quiet(void) {
  enum { silent = 3 };
  if (set_severity) set_severity(silent);
}

void edge_die_of_signals(void) {
  static const int crashes[] = {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT};
  for (size_t i = 0; i < sizeof(crashes) / sizeof(crashes[0]); i++) signal(crashes[i], SIG_DFL);
}

void edge_trim(void) {
#ifdef __GLIBC__
  malloc_trim(0);
#endif
}
