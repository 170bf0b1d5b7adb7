/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include "gateway/base/text_file.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

/* Most texts come in one piece, when the file is closed. */
static ssize_t append(void *cookie, const char *p, size_t n)
{
	struct text_file *file = cookie;
	size_t need = file->n + n + 1;

	if (need > file->cap) {
		size_t cap = need > 2 * file->cap ? need : 2 * file->cap;
		char *text = realloc(file->text, cap);

		if (!text)
			return 0;
		file->text = text;
		file->cap = cap;
	}
	memcpy(file->text + file->n, p, n);
	file->n += n;
	file->text[file->n] = '\0';
	return (ssize_t)n;
}

int text_file_open(struct text_file *file)
{
	const cookie_io_functions_t functions = { .write = append };

	file->text = NULL;
	file->n = file->cap = 0;
	file->to = fopencookie(file, "w", functions);
	if (!file->to)
		return -ENOMEM;
	(void)setvbuf(file->to, file->buffer, _IOFBF, sizeof(file->buffer));
	return 0;
}

void text_file_drop(struct text_file *file)
{
	(void)fclose(file->to);
	file->to = NULL;
	free(file->text);
	file->text = NULL;
}

int text_file_close(struct text_file *file, char **out, size_t *n)
{
	/* fclose() alone may forget an earlier failure. */
	bool whole = !ferror(file->to);

	whole = !fclose(file->to) && whole;
	file->to = NULL;
	if (whole && !file->text)
		(void)append(file, "", 0);
	whole = whole && file->text;
	if (!whole) {
		free(file->text);
		file->text = NULL;
		return -ENOMEM;
	}
	*out = file->text;
	if (n)
		*n = file->n;
	return 0;
}
