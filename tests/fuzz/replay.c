/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*
 * Runs each file of the directories named on the command line through a fuzz
 * target, without libFuzzer: seeds and old crashes, on every `make check`. A
 * crash ends the program; the last file it named is the one.
 */
#include <dirent.h>
#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { INPUT_MAX = 1 << 20 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static int run_file(const char *dir, const char *name)
{
	char path[4096];

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	FILE *file = fopen(path, "rb");
	char *buffer = malloc(INPUT_MAX);
	if (!file || !buffer) {
		perror(path);
		exit(2);
	}
	size_t n = fread(buffer, 1, INPUT_MAX, file);
	fclose(file);
	printf("%s\n", path);
	fflush(stdout);
	/* A block of its own size, so that ASan sees a read behind it. */
	uint8_t *data = malloc(n ? n : 1);
	if (!data)
		exit(2);
	memcpy(data, buffer, n);
	free(buffer);
	LLVMFuzzerTestOneInput(data, n);
	free(data);
	return 1;
}

static int run_dir(const char *path)
{
	DIR *dir = opendir(path);
	int n = 0;

	if (!dir && errno == ENOENT)
		return 0;
	if (!dir) {
		perror(path);
		exit(2);
	}
	for (struct dirent *entry = readdir(dir); entry; entry = readdir(dir)) {
		if (entry->d_name[0] != '.')
			n += run_file(path, entry->d_name);
	}
	closedir(dir);
	return n;
}

int main(int argc, char **argv)
{
	int n = 0;

	for (int i = 1; i < argc; i++)
		n += run_dir(argv[i]);
	printf("%d inputs\n", n);
	return n ? 0 : 1;
}
