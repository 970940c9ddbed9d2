/*
 * What the library shows, edge.h: each function goes on into Go, unless the
 * process was forked after the library was loaded. Such a process has one thread
 * of the Go runtime's many, so whatever enters Go there waits for ever, and the
 * check has to be made here.
 */
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "_cgo_export.h"

static int forked; /* written in a child before anything else runs there */

static void in_child(void) { forked = 1; }

__attribute__((constructor)) static void watch_forks(void) { pthread_atfork(NULL, NULL, in_child); }

/* refused reports whether this is a forked process, and says so in text. */
static int refused(char **text) {
	if (forked && text)
		*text = strdup("{\"error\":\"this process was forked after libedge was loaded, and only the process that loaded it can use it\","
		               "\"hint\":\"load libedge after fork(), or start the process anew with exec(), as Python's multiprocessing does with spawn\"}");
	return forked;
}

int edge_open(edge_text *options, edge_handle *handle, char **text) {
	if (handle) *handle = 0;
	return refused(text) ? EDGE_USAGE : goOpen(options, handle, text);
}

int edge_info(edge_handle handle, char **text) {
	return refused(text) ? EDGE_USAGE : goInfo(handle, text);
}

int edge_classify(edge_handle handle, edge_bytes *image, size_t size, char **text) {
	return refused(text) ? EDGE_USAGE : goClassify(handle, image, size, text);
}

int edge_classify_rgb(edge_handle handle, edge_bytes *pixels, int width, int height, char **text) {
	return refused(text) ? EDGE_USAGE : goClassifyRGB(handle, pixels, width, height, text);
}

int edge_adapt(edge_handle handle, edge_text *options, edge_progress progress, void *user, char **text) {
	return refused(text) ? EDGE_USAGE : goAdapt(handle, options, progress, user, text);
}

int edge_close(edge_handle handle) { return refused(NULL) ? EDGE_USAGE : goClose(handle); }

void edge_free(char *text) { free(text); }

edge_text *edge_version(void) { return forked ? "" : goVersion(); }
