#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "capi.h"

struct edge_log {
  pthread_mutex_t lock;
  size_t used;
  char text[2048];
};

// What no longer fits is dropped: the first messages name the cause.
void edge_log_report(void* user, const char* format, va_list args) {
  edge_log* log = user;
  pthread_mutex_lock(&log->lock);
  size_t room = sizeof(log->text) - log->used;
  if (room > 2) {
    int n = vsnprintf(log->text + log->used, room - 1, format, args);
    if (n > 0) {
      log->used += (size_t)n < room - 1 ? (size_t)n : room - 2;
      log->text[log->used++] = '\n';
      log->text[log->used] = 0;
    }
  }
  pthread_mutex_unlock(&log->lock);
}

edge_log* edge_log_new(void) {
  edge_log* log = calloc(1, sizeof(edge_log));
  if (log != NULL) pthread_mutex_init(&log->lock, NULL);
  return log;
}

void edge_log_attach(edge_log* log, TfLiteInterpreterOptions* options) {
  TfLiteInterpreterOptionsSetErrorReporter(options, edge_log_report, log);
}

void edge_log_take(edge_log* log, char* out, size_t size) {
  if (size == 0) return;
  pthread_mutex_lock(&log->lock);
  size_t n = log->used < size - 1 ? log->used : size - 1;
  memcpy(out, log->text, n);
  out[n] = 0;
  log->used = 0;
  pthread_mutex_unlock(&log->lock);
}

void edge_log_delete(edge_log* log) {
  pthread_mutex_destroy(&log->lock);
  free(log);
}
