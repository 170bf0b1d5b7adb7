/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*
 * What sections that come several times, each with a title, become: trunks,
 * numbers and routes.
 */
#include "gateway/config/config_table.h"

#include "gateway/base/text.h"

static int add_trunk(void **out, struct config *config, const char *title,
		     unsigned line)
{
	int r = config_grow(&config->trunks, &config->ntrunks,
			    sizeof(*config->trunks));
	if (r)
		return r;
	struct config_trunk *trunk = &config->trunks[config->ntrunks - 1];

	*out = trunk;
	trunk->line = line;
	trunk->name = text_dup(slice_of(title));
	return trunk->name ? 0 : -ENOMEM;
}

static int add_number(void **out, struct config *config, const char *title,
		      unsigned line)
{
	int r = config_grow(&config->numbers, &config->nnumbers,
			    sizeof(*config->numbers));
	if (r)
		return r;
	struct config_number *number = &config->numbers[config->nnumbers - 1];

	*out = number;
	number->line = line;
	number->number = text_dup(slice_of(title));
	return number->number ? 0 : -ENOMEM;
}

static int add_route(void **out, struct config *config, const char *title,
		     unsigned line)
{
	int r = config_grow(&config->routes, &config->nroutes,
			    sizeof(*config->routes));
	if (r)
		return r;
	struct config_route *route = &config->routes[config->nroutes - 1];

	*out = route;
	route->line = line;
	route->name = text_dup(slice_of(title));
	return route->name ? 0 : -ENOMEM;
}

/* What is wrong with a title is told; the rest is read all the same. */
static void check_title(struct config_mistakes *mistakes,
			enum config_section section, const char *title,
			unsigned line)
{
	if (section == CONFIG_TRUNK && !config_is_trunk_name(title))
		config_mistakes_add(mistakes, line,
				    "trunk %s: expected a name of 1 to %d "
				    "letters, digits, '.', '_' or '-'",
				    log_text(slice_of(title)).s,
				    CONFIG_TRUNK_NAME_MAX);
	else if (section == CONFIG_NUMBER && !config_is_number(title))
		config_mistakes_add(mistakes, line,
				    "number %s: expected E.164: '+' and 2 to "
				    "%d digits",
				    log_text(slice_of(title)).s,
				    CONFIG_NUMBER_DIGITS);
}

int config_object_add(void **out, const struct config_object *object,
		      struct config *config, struct config_mistakes *mistakes)
{
	int r = object->section == CONFIG_TRUNK
			? add_trunk(out, config, object->title, object->line)
		: object->section == CONFIG_NUMBER
			? add_number(out, config, object->title, object->line)
			: add_route(out, config, object->title, object->line);

	if (r)
		return r;
	check_title(mistakes, object->section, object->title, object->line);
	return config_set_defaults(*out, object->section);
}
