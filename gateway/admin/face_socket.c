/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include "gateway/admin/face_socket.h"

#include <bsd/sys/queue.h>
#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <event2/event.h>
#include <event2/listener.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "gateway/admin/args.h"
#include "gateway/admin/run.h"
#include "gateway/admin/words.h"
#include "gateway/base/log.h"
#include "gateway/base/text.h"
#include "gateway/gateway.h"

struct client {
	LIST_ENTRY(client) link;
	struct control *control;
	struct bufferevent *stream;
	struct run *run; /* NULL: none yet */
	enum answer_style style;
	bool told; /* some of the answer, and that it went well */
	uid_t uid;
};

struct control {
	struct gateway *gateway;
	struct evconnlistener *listener;
	LIST_HEAD(, client) clients;
	size_t n;
	char *path;
};

static void free_client(struct client *client)
{
	LIST_REMOVE(client, link);
	client->control->n--;
	run_free(client->run);
	bufferevent_free(client->stream);
	free(client);
}

/* ---- answers ---- */

static void on_written(struct bufferevent *stream, void *arg)
{
	(void)stream;
	free_client(arg);
}

static void on_event(struct bufferevent *stream, short what, void *arg);

/* Nothing is added to what was told, which may have gone already. */
static void end_when_written(struct client *client)
{
	if (!evbuffer_get_length(bufferevent_get_output(client->stream)))
		bufferevent_trigger_event(client->stream, BEV_EVENT_EOF,
					  BEV_TRIG_DEFER_CALLBACKS);
}

/* What @text says is all: the client is gone when it has it. */
static void answer(struct client *client, bool failed, const char *text)
{
	bufferevent_disable(client->stream, EV_READ);
	bufferevent_setcb(client->stream, NULL, on_written, on_event, client);
	if (client->told && !*text) {
		end_when_written(client);
		return;
	}
	if ((!client->told &&
	     bufferevent_write(client->stream, failed ? "1" : "0", 1)) ||
	    bufferevent_write(client->stream, text, strlen(text)))
		log_warn("control=answer not-sent");
}

/* As it comes; who does not read it is given up, in the loop's next turn. */
static void on_told(const char *text, size_t n, void *arg)
{
	struct client *client = arg;
	struct evbuffer *output = bufferevent_get_output(client->stream);

	if (evbuffer_get_length(output) + n > CONTROL_MAX_UNREAD ||
	    (!client->told && bufferevent_write(client->stream, "0", 1)) ||
	    bufferevent_write(client->stream, text, n))
		bufferevent_trigger_event(client->stream, BEV_EVENT_ERROR,
					  BEV_TRIG_DEFER_CALLBACKS);
	client->told = true;
}

static void on_done(struct run *run, void *arg)
{
	const struct answer *what = run_answer(run);
	struct client *client = arg;
	char *text = NULL;
	size_t n = 0;
	FILE *out = answer_ok(what) ? open_memstream(&text, &n) : NULL;

	if (out)
		answer_print(what, client->style, out);
	if (!out || fclose(out))
		answer(client, true, "Out of memory.\n");
	else
		answer(client, answer_failed(what), text);
	free(text);
}

/* ---- a request ---- */

struct asking {
	const char *texts[CONTROL_MAX_WORDS];
	size_t n;
};
enum { AT_ROLE, AT_ACCOUNT, AT_STYLE, AT_NODE, AT_WORDS };

static bool split(struct asking *out, const char *p, size_t n)
{
	struct slice rest = { p, n };

	*out = (struct asking){ .n = 0 };
	if (!n || p[n - 1])
		return false;
	while (rest.n) {
		if (out->n == CONTROL_MAX_WORDS)
			return false;
		out->texts[out->n++] = slice_cut(&rest, '\0').p;
	}
	return out->n > AT_NODE;
}

static bool who_asks(struct actor *out, const struct client *client,
		     const struct asking *asking)
{
	const struct gateway *gateway = client->control->gateway;
	const char *account = asking->texts[AT_ACCOUNT];
	enum role role;

	*out = (struct actor){ .face = "socket" };
	if (!role_parse(&role, asking->texts[AT_ROLE]) ||
	    (*account && !role_actor(out, gateway, account, "socket")))
		return false;
	out->role = role;
	return !text_format(out->who, sizeof(out->who), "uid %u%s%s",
			    (unsigned)client->uid, *account ? " as " : "",
			    out->account);
}

/* @odd is the word that was not taken. */
static int take_words(struct form_values *values, const struct command *command,
		      const struct asking *asking, const char **odd)
{
	struct args args = { .command = command, .values = values };
	int r = 0;

	for (size_t i = AT_WORDS; i < asking->n && !r; i++) {
		*odd = asking->texts[i];
		r = args_add(&args, *odd);
	}
	return r;
}

/* All steps at once; nothing is asked back. */
static void run_all(struct client *client, const struct form_values *values)
{
	struct run *run = client->run;
	int r = run_start(run);

	while (!r && run_form(run))
		r = run_submit(run, values);
	if (r == RUN_E_INVALID) {
		char text[FORM_MISTAKE_CAP + JID_CAP];

		if (text_format(text, sizeof(text), "%s (%s=…)\n",
				run_mistake(run)->text, run_mistake(run)->var))
			text[0] = '\0';
		answer(client, true, text);
	} else if (r) {
		answer(client, true, "This is not possible now.\n");
	}
}

/* All commands; or why @odd is no word of @command's, and what is. */
static void help(struct client *client, const struct actor *actor,
		 const struct command *command, const char *odd)
{
	char *text = NULL;
	size_t n = 0;
	FILE *out = open_memstream(&text, &n);

	if (!out)
		return;
	if (command) {
		args_explain(out, command, odd);
		words_help_command(out, command);
	} else {
		words_help(out, actor);
		fputc('\n', out);
	}
	if (!fclose(out))
		answer(client, command != NULL, text);
	free(text);
}

/* On this machine it is no secret that there is such a command. */
static void refuse(struct client *client, const struct command *command)
{
	bool users = command &&
		     (command->need == NEED_USER || command->need == NEED_MOVE);

	answer(client, true,
	       !command ? "There is no such command. Try: tandemctl help\n"
	       : users  ? "This is for the account that owns a number: "
			  "tandemctl -u alice@example.org, and the command\n"
			: "This is not for this role: tandemctl -r names "
			  "another\n");
}

static void on_request(struct client *client, const struct asking *asking)
{
	AUTO(form_values_freep) struct form_values *values = NULL;
	const char *node = asking->texts[AT_NODE];
	const struct command *command = command_find(node);
	const char *odd = "";
	struct actor actor;
	int r;

	if (!who_asks(&actor, client, asking)) {
		answer(client, true, "There is no such role or account.\n");
		return;
	}
	if (!strcmp(node, "help")) {
		help(client, &actor, NULL, NULL);
		return;
	}
	if (!command || !role_may(&actor, command->need)) {
		refuse(client, command);
		return;
	}
	client->style = strcmp(asking->texts[AT_STYLE], "tabs") != 0
				? ANSWER_ALIGNED
				: ANSWER_TABS;
	r = form_values_new(&values);
	if (!r)
		r = take_words(values, command, asking, &odd);
	if (r == ARGS_E_UNKNOWN) {
		help(client, &actor, command, odd);
		return;
	}
	if (!r)
		r = run_new(&client->run, client->control->gateway, command,
			    &actor, on_done, client);
	if (r) {
		answer(client, true, "This is too much.\n");
		return;
	}
	run_on_told(client->run, on_told);
	run_all(client, values);
}

/* ---- the socket ---- */

static void on_end(struct client *client)
{
	struct evbuffer *input = bufferevent_get_input(client->stream);
	size_t n = evbuffer_get_length(input);
	const char *p = (const char *)evbuffer_pullup(input, -1);
	struct asking asking;

	if (p && split(&asking, p, n))
		on_request(client, &asking);
	else
		answer(client, true, "This is no request.\n");
}

/* The end of what the client says is where its answer begins. */
static void on_event(struct bufferevent *stream, short what, void *arg)
{
	struct client *client = arg;

	(void)stream;
	if (what == (BEV_EVENT_READING | BEV_EVENT_EOF) && !client->run)
		on_end(client);
	else
		free_client(client);
}

static void on_readable(struct bufferevent *stream, void *arg)
{
	struct client *client = arg;
	size_t n = evbuffer_get_length(bufferevent_get_input(stream));

	if (n > CONTROL_MAX_REQUEST)
		answer(client, true, "This is too long.\n");
}

/* Who is root, or we ourselves, owns what we are. */
static bool may_connect(int fd, uid_t *uid)
{
	struct ucred peer;
	socklen_t n = sizeof(peer);

	if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &n))
		return false;
	*uid = peer.uid;
	return !peer.uid || peer.uid == geteuid();
}

static void on_connection(struct evconnlistener *listener, evutil_socket_t fd,
			  struct sockaddr *address, int n, void *arg)
{
	const struct timeval patience = { CONTROL_TIMEOUT_S, 0 };
	struct control *control = arg;
	struct client *client = calloc(1, sizeof(*client));
	struct event_base *base = evconnlistener_get_base(listener);

	(void)address;
	(void)n;
	if (!client || control->n >= CONTROL_MAX_CLIENTS ||
	    !may_connect(fd, &client->uid) ||
	    !(client->stream = bufferevent_socket_new(base, fd,
						      BEV_OPT_CLOSE_ON_FREE))) {
		log_warn("control=refused");
		free(client);
		evutil_closesocket(fd);
		return;
	}
	client->control = control;
	LIST_INSERT_HEAD(&control->clients, client, link);
	control->n++;
	bufferevent_setcb(client->stream, on_readable, NULL, on_event, client);
	bufferevent_set_timeouts(client->stream, &patience, &patience);
	bufferevent_enable(client->stream, EV_READ | EV_WRITE);
}

/* A socket that nobody listens at is what an earlier run has left. A file that
 * is none refuses connections just so, and is somebody's. */
static int clear_path(const struct sockaddr_un *address)
{
	struct stat is;

	if (!lstat(address->sun_path, &is) && !S_ISSOCK(is.st_mode))
		return -EEXIST;
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	int r = fd < 0 ? -errno : 0;

	if (r)
		return r;
	if (!connect(fd, (const struct sockaddr *)address, sizeof(*address)))
		r = -EADDRINUSE;
	else if (errno == ECONNREFUSED && unlink(address->sun_path))
		r = -errno;
	close(fd);
	return r;
}

static int listen_at(struct control *control, const char *path)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int r = text_set(address.sun_path, sizeof(address.sun_path), path);

	if (!r)
		r = clear_path(&address);
	if (r)
		return r;
	mode_t mask = umask(S_IXUSR | S_IRWXG | S_IRWXO);
	control->listener = evconnlistener_new_bind(
		control->gateway->base, on_connection, control,
		LEV_OPT_CLOSE_ON_FREE | LEV_OPT_CLOSE_ON_EXEC, -1,
		(struct sockaddr *)&address, sizeof(address));
	r = control->listener ? 0 : -errno;
	umask(mask);
	return r;
}

int control_new(struct control **out, struct gateway *gateway)
{
	const char *path = gateway->config->control.socket;
	struct control *control;

	*out = NULL;
	if (!*path)
		return 0;
	control = calloc(1, sizeof(*control));
	if (!control)
		return -ENOMEM;
	LIST_INIT(&control->clients);
	control->gateway = gateway;
	control->path = text_dup(slice_of(path));
	int r = control->path ? listen_at(control, path) : -ENOMEM;
	if (r) {
		log_warn("control=%s not-made r=%d (%s): tandemctl cannot "
			 "speak to this process",
			 path, r, strerror(-r));
		free(control->path);
		free(control);
		return r == -ENOMEM ? r : 0;
	}
	*out = control;
	return 0;
}

bool control_is_idle(const struct control *control)
{
	const struct client *client;

	if (!control)
		return true;
	LIST_FOREACH(client, &control->clients, link) {
		if (!client->told)
			return false;
	}
	return true;
}

struct control *control_free(struct control *control)
{
	if (!control)
		return NULL;
	while (!LIST_EMPTY(&control->clients))
		free_client(LIST_FIRST(&control->clients));
	evconnlistener_free(control->listener);
	unlink(control->path);
	free(control->path);
	free(control);
	return NULL;
}
