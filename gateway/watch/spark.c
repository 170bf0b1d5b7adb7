/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include "gateway/watch/spark.h"

#include <stdio.h>

#include "gateway/base/clock.h"
#include "gateway/base/text.h"

enum { WIDTH = 120, HEIGHT = 28, MARGIN = 2, LINE_CAP = 1000 };

static const double MOS_LOW = 1, MOS_HIGH = 4.5;
static const double LOSS_FULL = 0.1; /* a bar of full height */

static double x_of(unsigned i)
{
	return MARGIN + i * (double)(WIDTH - 2 * MARGIN) / (QUALITY_POINTS - 1);
}

static double y_of(double mos)
{
	return MARGIN +
	       (MOS_HIGH - mos) / (MOS_HIGH - MOS_LOW) * (HEIGHT - 2 * MARGIN);
}

static void put_loss(struct html *h, const struct quality_side *side)
{
	for (unsigned i = 0; i < side->n; i++) {
		double share = side->points[i].loss / LOSS_FULL;
		double height = (share < 1 ? share : 1) * (HEIGHT - MARGIN);

		if (side->points[i].loss <= 0)
			continue;
		html_open(h, "rect");
		html_attr(h, "class", "loss");
		html_attrf(h, "x", "%.1f", x_of(i) - 0.7);
		html_attrf(h, "y", "%.1f", HEIGHT - (height < 1 ? 1 : height));
		html_attr(h, "width", "1.4");
		html_attrf(h, "height", "%.1f", height < 1 ? 1 : height);
		html_close(h);
	}
}

/* From @i on, as far as packets came; returns what follows. */
static unsigned put_stretch(struct html *h, const struct quality_side *side,
			    unsigned i)
{
	char points[LINE_CAP];
	size_t at = 0;
	unsigned first = i;

	for (; i < side->n && side->points[i].mos > 0; i++)
		at += (size_t)snprintf(points + at, sizeof(points) - at,
				       "%s%.1f,%.1f", i > first ? " " : "",
				       x_of(i), y_of(side->points[i].mos));
	/* One point is a line of no length, which its round ends show. */
	if (i == first + 1)
		(void)snprintf(points + at, sizeof(points) - at, " %.1f,%.1f",
			       x_of(first), y_of(side->points[first].mos));
	html_open(h, "polyline");
	html_attr(h, "class", "mos");
	html_attr(h, "points", points);
	html_close(h);
	return i;
}

static void put_line(struct html *h, const struct quality_side *side)
{
	unsigned i = 0;

	while (i < side->n) {
		if (side->points[i].mos > 0)
			i = put_stretch(h, side, i);
		else
			i++;
	}
}

/* For those who do not see it, and on hovering. */
static void put_title(struct html *h, const struct quality_side *side,
		      unsigned step_ms)
{
	double least = 0;

	for (unsigned i = 0; i < side->n; i++) {
		double mos = side->points[i].mos;

		if (mos > 0 && (least <= 0 || mos < least))
			least = mos;
	}
	html_open(h, "title");
	if (least > 0)
		html_textf(h, "estimated MOS over %u s, lowest %.1f",
			   side->n * step_ms / MS_PER_S, least);
	else
		html_text(h, "nothing heard yet");
	html_close(h);
}

void spark_write(struct html *h, const struct quality_side *side,
		 unsigned step_ms)
{
	static const struct quality_side empty;

	if (!side)
		side = &empty;
	html_open(h, "svg");
	html_attr(h, "class", "spark");
	html_attrf(h, "viewBox", "0 0 %d %d", WIDTH, HEIGHT);
	html_attr(h, "role", "img");
	put_title(h, side, step_ms);
	html_open(h, "line");
	html_attr(h, "class", "ground");
	html_attrf(h, "x1", "%d", MARGIN);
	html_attrf(h, "x2", "%d", WIDTH - MARGIN);
	html_attrf(h, "y1", "%d", HEIGHT - 1);
	html_attrf(h, "y2", "%d", HEIGHT - 1);
	html_close(h);
	put_loss(h, side);
	put_line(h, side);
	html_close(h);
}
