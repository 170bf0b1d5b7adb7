/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*
 * tandemctl(8): the commands of a running tandem, over its local socket
 * (gateway/admin/face_socket.h says what is spoken there).
 */
#include <errno.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#define SOCKET_PATH "/run/tandem/control"

enum { EXIT_USAGE = 2, CHUNK = 4096, FILE_MAX = 1 << 20 };

struct options {
	const char *path, *role, *account, *style;
};

static void usage(FILE *to)
{
	fputs("usage: tandemctl [-t] [-s socket] [-r role] [-u account] "
	      "command [word ...]\n"
	      "  -t          tabs between columns, no heads: for programs\n"
	      "  -s socket   default " SOCKET_PATH "\n"
	      "  -r role     owner (default), operator, read-only or none\n"
	      "  -u account  run this account's own commands\n"
	      "A word is name=value, or a value alone in the order of the "
	      "fields; name=@file\nreads the value from a file. See: tandemctl "
	      "help\n",
	      to);
}

static bool parse_options(struct options *out, int argc, char **argv)
{
	int option;

	*out = (struct options){ SOCKET_PATH, "owner", "", "aligned" };
	while ((option = getopt(argc, argv, "+hr:s:tu:")) != -1) {
		switch (option) {
		case 'r':
			out->role = optarg;
			break;
		case 's':
			out->path = optarg;
			break;
		case 't':
			out->style = "tabs";
			break;
		case 'u':
			out->account = optarg;
			break;
		case 'h':
			usage(stdout);
			exit(EXIT_SUCCESS);
		default:
			return false;
		}
	}
	return optind < argc;
}

/* -1: errno says why. */
static int dial(const char *path)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (strlen(path) >= sizeof(address.sun_path)) {
		errno = ENAMETOOLONG;
		return -1;
	}
	memcpy(address.sun_path, path, strlen(path) + 1);
	if (fd >= 0 &&
	    !connect(fd, (struct sockaddr *)&address, sizeof(address)))
		return fd;
	return -1;
}

static bool put(FILE *to, const char *text)
{
	return fputs(text, to) >= 0 && fputc('\0', to) != EOF;
}

/* The content of a file, without its last line's end. */
static bool put_file(FILE *to, const char *path)
{
	FILE *from = !strcmp(path, "-") ? stdin : fopen(path, "r");
	char *text = calloc(1, FILE_MAX);
	size_t n = from && text ? fread(text, 1, FILE_MAX - 1, from) : 0;
	bool whole = from && text && !ferror(from) && feof(from);
	bool well = whole && !memchr(text, '\0', n);

	if (!well)
		fprintf(stderr, "tandemctl: %s: %s\n", path,
			whole                   ? "no text"
			: from && !ferror(from) ? "too long"
						: strerror(errno));
	else if (n && text[n - 1] == '\n')
		text[n - 1] = '\0';
	well = well && put(to, text);
	if (from && from != stdin)
		fclose(from);
	free(text);
	return well;
}

/* "name=@path" */
static bool put_word(FILE *to, const char *word)
{
	size_t n = strspn(word, "abcdefghijklmnopqrstuvwxyz-");
	bool file = n && !strncmp(word + n, "=@", 2);

	if (!file)
		return put(to, word);
	return fwrite(word, 1, n + 1, to) == n + 1 &&
	       put_file(to, word + n + 2);
}

/* Whether there is an answer to be heard: who closes before we are done may
 * have said why. */
static bool ask(int fd, const struct options *options, char *const *words)
{
	int copy = dup(fd);
	FILE *to = copy < 0 ? NULL : fdopen(copy, "w");
	bool well = to && put(to, options->role) && put(to, options->account) &&
		    put(to, options->style);

	for (; well && *words; words++)
		well = put_word(to, *words);
	bool broken = !to || ferror(to);
	if (to && fclose(to))
		broken = true;
	bool ended = !shutdown(fd, SHUT_WR);
	return broken || (well && ended);
}

/* The first octet tells how it went. */
static int show(int fd)
{
	char chunk[CHUNK];
	int status = EXIT_FAILURE;
	bool first = true;
	ssize_t n;

	while ((n = read(fd, chunk, sizeof(chunk))) > 0) {
		if (first)
			status = chunk[0] == '0' ? EXIT_SUCCESS : EXIT_FAILURE;
		fwrite(chunk + first, 1, (size_t)n - first,
		       status ? stderr : stdout);
		first = false;
		/* Some commands tell for as long as they are let. */
		if (fflush(stdout))
			return EXIT_FAILURE;
	}
	if (first)
		fputs("tandemctl: tandem has not answered\n", stderr);
	return fflush(stdout) ? EXIT_FAILURE : status;
}

int main(int argc, char **argv)
{
	struct options options;

	if (!parse_options(&options, argc, argv)) {
		usage(stderr);
		return EXIT_USAGE;
	}
	signal(SIGPIPE, SIG_IGN);
	int fd = dial(options.path);
	if (fd < 0) {
		fprintf(stderr, "tandemctl: %s: %s\n", options.path,
			strerror(errno));
		return EXIT_FAILURE;
	}
	return ask(fd, &options, argv + optind) ? show(fd) : EXIT_FAILURE;
}
