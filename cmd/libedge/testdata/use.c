/* A program in C that does everything edge.h offers: use STORE SAMPLES IMAGE. It ends with 0 if all went as it should. */
#define _POSIX_C_SOURCE 200809L
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "edge.h"

static edge_handle handle;
static uint8_t *image;
static size_t size;

static void die(const char *what, char *text) {
	fprintf(stderr, "%s: %s\n", what, text ? text : "");
	exit(1);
}

/* expect ends the program unless code is the one that is due and text has the words. */
static void expect(const char *what, int code, int due, char **text, const char *words) {
	if (code != due || !*text || !strstr(*text, words)) {
		fprintf(stderr, "want code %d and %s, got code %d\n", due, words, code);
		die(what, *text);
	}
	edge_free(*text);
	*text = NULL;
}

static void in_a_fork(int generations);

static int steps;

static int count(void *user, edge_text *stage, int done, int total) {
	if (strcmp(stage, "features") && strcmp(stage, "train")) die("an unknown stage", NULL);
	if (done > total) die("more than there is", NULL);
	steps++;
	return steps == *(int *)user;
}

static void *classify_often(void *unused) {
	(void)unused;
	for (int i = 0; i < 25; i++) {
		char *text = NULL;
		expect("classify in a thread", edge_classify(handle, image, size, &text), EDGE_OK, &text, "\"label\":\"lamp_red\"");
	}
	return NULL;
}

/* in_child calls everything in a process that was forked after the loading, and in one that is forked from there. */
static void in_child(int generations) {
	char *text = NULL;
	edge_handle other = 42;
	const char *why = "forked after libedge was loaded";
	alarm(60); /* a call that waits for ever is ended */
	expect("open in a child", edge_open("{}", &other, &text), EDGE_USAGE, &text, why);
	if (other) die("a handle in a child", NULL);
	expect("info in a child", edge_info(handle, &text), EDGE_USAGE, &text, why);
	expect("classify in a child", edge_classify(handle, image, size, &text), EDGE_USAGE, &text, why);
	expect("rgb in a child", edge_classify_rgb(handle, image, 1, 1, &text), EDGE_USAGE, &text, why);
	expect("adapt in a child", edge_adapt(handle, "{}", NULL, NULL, &text), EDGE_USAGE, &text, "\"hint\"");
	if (edge_info(handle, NULL) != EDGE_USAGE) die("a child that wants no text", NULL);
	if (edge_close(handle) != EDGE_USAGE) die("close in a child", NULL);
	if (*edge_version()) die("version in a child", NULL);
	if (generations > 1) in_a_fork(generations - 1);
	exit(0);
}

static void in_a_fork(int generations) {
	int status;
	pid_t child = fork();
	if (child < 0) die("fork", NULL);
	if (!child) in_child(generations);
	if (waitpid(child, &status, 0) != child || status) die("a forked process did not end well", NULL);
}

int main(int argc, char **argv) {
	char options[4096], *text = NULL;
	edge_handle other;
	if (argc != 4) die("arguments", NULL);
	FILE *f = fopen(argv[3], "rb");
	if (!f || fseek(f, 0, SEEK_END)) die("open", argv[3]);
	size = (size_t)ftell(f);
	rewind(f);
	image = malloc(size);
	if (fread(image, 1, size, f) != size) die("read", argv[3]);
	fclose(f);

	expect("options that are no JSON", edge_open("store", &other, &text), EDGE_USAGE, &text, "options");
	expect("an unknown option", edge_open("{\"shop\": \"\"}", &other, &text), EDGE_USAGE, &text, "shop");
	expect("a task's bad name", edge_open("{\"task\": \"../x\"}", &other, &text), EDGE_USAGE, &text, "hint");
	expect("no place for the handle", edge_open("{}", NULL, &text), EDGE_USAGE, &text, "NULL");
	if (edge_classify(42, image, size, NULL) != EDGE_USAGE) die("a handle that never was", NULL);

	snprintf(options, sizeof options, "{\"store\": \"%s\"}", argv[1]);
	expect("open", edge_open(options, &handle, &text), EDGE_OK, &text, "\"serving\":false");
	expect("classify too early", edge_classify(handle, image, size, &text), EDGE_INPUT, &text, "edge adapt");
	expect("adapt without a folder", edge_adapt(handle, "{}", NULL, NULL, &text), EDGE_USAGE, &text, "dir");
	expect("adapt to nothing", edge_adapt(handle, "{\"dir\": \"/nowhere\"}", NULL, NULL, &text), EDGE_INPUT, &text, "/nowhere");

	snprintf(options, sizeof options, "{\"dir\": \"%s\", \"seed\": 1}", argv[2]);
	int stop = 3;
	expect("adapt, called off", edge_adapt(handle, options, count, &stop, &text), EDGE_FAILED, &text, "canceled");
	if (steps != 3) die("the third step was not the last", NULL);
	stop = -1;
	expect("adapt", edge_adapt(handle, options, count, &stop, &text), EDGE_OK, &text, "\"generation\":1");
	if (steps < 10) die("no progress was told", NULL);
	expect("info", edge_info(handle, &text), EDGE_OK, &text, "\"serving\":true");

	expect("no image", edge_classify(handle, NULL, 0, &text), EDGE_USAGE, &text, "NULL");
	expect("a damaged image", edge_classify(handle, image, size / 2, &text), EDGE_INPUT, &text, "truncated");
	uint8_t grey[64 * 48 * 3];
	memset(grey, 127, sizeof grey);
	expect("grey", edge_classify_rgb(handle, grey, 64, 48, &text), EDGE_OK, &text, "\"label\"");
	expect("no size", edge_classify_rgb(handle, grey, 0, 48, &text), EDGE_USAGE, &text, "0x48");

	pthread_t threads[4];
	for (int i = 0; i < 4; i++)
		if (pthread_create(&threads[i], NULL, classify_often, NULL)) die("thread", NULL);
	in_a_fork(2);
	for (int i = 0; i < 4; i++) pthread_join(threads[i], NULL);

	if (edge_classify(handle, image, size, &text) != EDGE_OK) die("classify", text);
	puts(text);
	edge_free(text);
	edge_free(NULL);
	if (edge_close(handle) != EDGE_OK) die("close", NULL);
	if (edge_close(handle) != EDGE_USAGE) die("close again", NULL);
	expect("after close", edge_info(handle, &text), EDGE_USAGE, &text, "closed");
	if (!strlen(edge_version())) die("version", NULL);
	free(image);
	return 0;
}
