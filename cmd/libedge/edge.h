/*
 * libedge: classify images and adapt a classifier, from any language that can call C.
 *
 *     edge_handle h;
 *     char *text = NULL;
 *     if (edge_open("{\"store\": \"/var/lib/edge\", \"task\": \"default\"}", &h, &text)) { … text … }
 *     if (edge_classify(h, jpeg, length, &text) == EDGE_OK) puts(text);
 *     edge_free(text);
 *     edge_close(h);
 *
 * Text is UTF-8 and ends with a zero byte. What a function gives through `text`
 * is the caller's, to be given to edge_free: a JSON object that is the answer, or,
 * when the function returned anything but EDGE_OK, {"error": …, "hint": …}, where
 * the hint is the next step and may be missing. It is set whatever happens, and
 * `text` may be NULL if nobody wants it. Every pointer is read during the call only.
 *
 * All functions may be called from any thread, also at the same time with the
 * same handle, edge_close excepted: no other call may be running or follow.
 *
 * The library starts a Go runtime in the process at loading, with threads and
 * signal handlers of its own, and is never unloaded. fork() copies none of those
 * threads: in a process that was forked after the loading every function returns
 * EDGE_USAGE and says why, edge_version returns "", and edge_free works. A forked
 * process may load the library if its parent had not, and may exec() any program.
 */
#ifndef EDGE_H
#define EDGE_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* What functions return; the command's exit codes have the same meanings. */
enum {
	EDGE_OK = 0,
	EDGE_FAILED = 1, /* something failed: a full disk, say */
	EDGE_USAGE = 2,  /* an argument makes no sense, or the process was forked */
	EDGE_INPUT = 3   /* an image, a folder, a model or a generation cannot be used */
};

typedef uintptr_t edge_handle; /* never 0 */

typedef const char edge_text;
typedef const uint8_t edge_bytes;

/*
 * edge_open opens a task of a store. options is a JSON object:
 *
 *     store    folder of the store; "": the user's, as the command has it
 *     task     name of the task; "": "default"
 *     workers  images classified at once, and interpreters; 0: one a processor
 *     program  path of the edge command, which tries bases that nobody knows
 *              in a process of its own; "": such bases are refused
 *
 * The store is watched: when another generation becomes active, by the command
 * or by edge_adapt, later calls answer with it. A task without a generation opens,
 * too; edge_classify fails until there is one. The answer is that of edge_info.
 */
int edge_open(edge_text *options, edge_handle *handle, char **text);

/* edge_info tells what serves: {"task", "serving", "model": {"generation", "labels", …}, "problem"}. */
int edge_info(edge_handle handle, char **text);

/*
 * edge_classify says what a JPEG, PNG or WebP shows:
 * {"task", "generation", "label", "score", "unknown", "top": [{"label", "score"}, …], "seconds"}.
 */
int edge_classify(edge_handle handle, edge_bytes *image, size_t size, char **text);

/* edge_classify_rgb does the same for width * height * 3 bytes: rows from the top, red green blue, no padding. */
int edge_classify_rgb(edge_handle handle, edge_bytes *pixels, int width, int height, char **text);

/*
 * edge_progress is told how far edge_adapt is, in the thread that called it:
 * stage is "features" or "train", total is 0 while it is not known. Anything but 0
 * ends the adaptation, which changes nothing then and tells nothing more. A process
 * forked in it must not return from it.
 */
typedef int (*edge_progress)(void *user, edge_text *stage, int done, int total);

/*
 * edge_adapt trains a head on a folder of labelled images, a folder a class, and
 * makes it the task's next generation. options is a JSON object:
 *
 *     dir         the folder
 *     base        a .tflite file; "": the base that edge brings along
 *     seed        of everything random; 0: 1
 *     no_activate true: the generation is kept, and not put in use
 *
 * progress may be NULL. The answer is what `edge adapt --json` prints.
 */
int edge_adapt(edge_handle handle, edge_text *options, edge_progress progress, void *user, char **text);

/* edge_close frees everything behind a handle. */
int edge_close(edge_handle handle);

/* edge_free frees a text. NULL is allowed. */
void edge_free(char *text);

/* edge_version returns the library's version, such as "0.3.0", which is not freed. */
edge_text *edge_version(void);

#ifdef __cplusplus
}
#endif

#endif
