/* plot_test.c - drawings against what a reader would say of them: round ticks, every peak there,
 * nothing drawn outside, and no text that can break out of its place. */
#include "page/html.h"
#include "page/plot.h"
#include "page/units.h"
#include "tests/test.h"
#include "tests/unit/xml_check.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

static double ticks[PLOT_TICKS_MAX];
static char text[UNIT_TEXT_MAX];
static struct out svg;

static struct plot plot_of(const double *at_s, const double *y, size_t count)
{
    struct plot plot = { .unit = UNIT_COUNT, .title = "Saves", .axis = "a second", .at_s = at_s };
    plot.count = count;
    plot.to_s = count ? at_s[count - 1] : 0;
    plot.lines[plot.line_count++] = (struct plot_line){ "saves", y, 0, false };
    plot.width = 600;
    plot.height = 200;
    return plot;
}

static void draw(const struct plot *plot)
{
    out_fini(&svg);
    svg = out_make(MIB);
    plot_svg(&svg, plot);
    CHECK(!svg.failed);
    const char *wrong = xml_check(out_view(&svg));
    if (wrong)
        test_failed(__FILE__, __LINE__, "not well-formed: %s", wrong);
}

/* The points of the path with this class, in order; gives how many. */
static size_t points_of(const char *class, double *x, double *y, size_t most)
{
    char head[60];
    snprintf(head, sizeof(head), "class=\"%s\" d=\"", class);
    ptrdiff_t at = str_find_str(out_view(&svg), str_z(head));
    size_t n = 0;
    if (at < 0)
        return 0;
    for (char *p = svg.p + at + strlen(head); *p != '"' && n < most;) {
        char *end = p + 1;
        if (*p == 'M' || *p == 'L') {
            x[n] = strtod(p + 1, &end);
            y[n++] = strtod(end, &end);
        }
        p = end;
    }
    return n;
}

TEST(plot, ticks_are_round_and_within_the_range)
{
    CHECK_EQ(plot_ticks(0, 830, 5, ticks), 5);
    CHECK_EQ(ticks[0], 0);
    CHECK_EQ(ticks[1], 200);
    CHECK_EQ(ticks[4], 800);
    CHECK_EQ(plot_ticks(0, 10000, 5, ticks), 6);
    CHECK_EQ(ticks[5], 10000);
    CHECK(plot_ticks(0, 0.03, 4, ticks) >= 3);
    CHECK(fabs(ticks[1] - 0.01) < 1e-12);
    CHECK_EQ(plot_ticks(5, 5, 4, ticks), 0);
    CHECK_EQ(plot_ticks(0, NAN, 4, ticks), 0);
}

TEST(plot, ticks_of_time_are_those_of_a_clock)
{
    CHECK_EQ(plot_ticks_time(0, 100, 8, ticks), 7);
    CHECK_EQ(ticks[1], 15);
    CHECK_EQ(plot_ticks_time(0, 1500, 10, ticks), 6);
    CHECK_EQ(ticks[1], 300);
    CHECK_EQ(plot_ticks_time(50, 100, 5, ticks), 6);
    CHECK_EQ(ticks[0], 50);
    CHECK_EQ(plot_ticks_time(7, 7, 5, ticks), 0);
}

TEST(plot, numbers_are_written_as_people_read_them)
{
    CHECK_STR(str_z(unit_text(text, UNIT_COUNT, 1234567)), STR("1,234,567"));
    CHECK_STR(str_z(unit_text(text, UNIT_COUNT, 0)), STR("0"));
    CHECK_STR(str_z(unit_text(text, UNIT_COUNT, 999)), STR("999"));
    CHECK_STR(str_z(unit_text(text, UNIT_COUNT, 100000)), STR("100,000"));
    CHECK_STR(str_z(unit_text(text, UNIT_CORES, 1.5)), STR("1.5"));
    CHECK_STR(str_z(unit_text(text, UNIT_MS, 0.25)), STR("0.25 ms"));
    CHECK_STR(str_z(unit_text(text, UNIT_MS, 10)), STR("10 ms"));
    CHECK_STR(str_z(unit_text(text, UNIT_MS, 999.9)), STR("1 s"));
    CHECK_STR(str_z(unit_text(text, UNIT_MS, 2340)), STR("2.34 s"));
    CHECK_STR(str_z(unit_text(text, UNIT_BYTES, 3 * 1024 * 1024)), STR("3 MiB"));
    CHECK_STR(str_z(unit_text(text, UNIT_BYTES, 12)), STR("12 B"));
    CHECK_STR(str_z(unit_text(text, UNIT_MS, NAN)), STR("\u2013"));
    CHECK_STR(str_z(unit_text(text, UNIT_COUNT, INFINITY)), STR("1,000,000,000,000,000"));
    CHECK_STR(str_z(unit_clock(text, 200)), STR("3:20"));
    CHECK_STR(str_z(unit_clock(text, 3800)), STR("1:03:20"));
}

TEST(plot, an_empty_one_says_so_and_one_point_is_a_dot)
{
    static const double at_s[] = { 3 }, y[] = { 7 }, none[] = { NAN };
    struct plot plot = plot_of(NULL, NULL, 0);
    draw(&plot);
    CHECK_HAS(out_view(&svg), STR("nothing was measured"));
    plot = plot_of(at_s, none, 1);
    plot.kind = PLOT_LOG;
    draw(&plot);
    CHECK_HAS(out_view(&svg), STR("nothing was measured"));
    plot = plot_of(at_s, y, 1);
    draw(&plot);
    CHECK_HAS(out_view(&svg), STR("h0"));
    CHECK_HAS(out_view(&svg), STR("saves at most 7 at 0:03"));
    CHECK(str_find_str(out_view(&svg), STR("nan")) < 0);
    plot.kind = PLOT_STACKED;
    draw(&plot);
    CHECK(str_find_str(out_view(&svg), STR("nan")) < 0);
}

TEST(plot, no_peak_of_a_long_series_is_lost_and_all_lies_inside)
{
    enum { POINTS = 2000 };
    static double at_s[POINTS], y[POINTS], px[POINTS], py[POINTS];
    double least = 1e9, most = -1e9;
    for (int i = 0; i < POINTS; i++) {
        at_s[i] = i + 1;
        y[i] = i == 1234 ? 1000 : 10;
    }
    struct plot plot = plot_of(at_s, y, POINTS);
    draw(&plot);
    size_t n = points_of("line c0", px, py, POINTS);
    CHECK(n > 100);
    CHECK(n < POINTS / 2); /* thinned */
    for (size_t i = 0; i < n; i++) {
        CHECK(px[i] >= 0 && px[i] <= plot.width && py[i] >= 0 && py[i] <= plot.height);
        CHECK(!i || px[i] >= px[i - 1]);
        least = MIN(least, py[i]);
        most = MAX(most, py[i]);
    }
    CHECK(most - least > 100); /* the peak, over nearly all of the height */
}

TEST(plot, a_logarithmic_axis_gives_each_power_of_ten_the_same_room)
{
    static const double at_s[] = { 1, 2, 3 }, y[] = { 1, 10, 100 };
    double px[3], py[3];
    struct plot plot = plot_of(at_s, y, 3);
    plot.kind = PLOT_LOG;
    plot.unit = UNIT_MS;
    draw(&plot);
    CHECK_EQ(points_of("line c0", px, py, 3), 3);
    CHECK(fabs((py[0] - py[1]) - (py[1] - py[2])) < 0.3);
    CHECK_HAS(out_view(&svg), STR(">100 ms</text>"));
}

TEST(plot, texts_from_outside_stay_texts)
{
    static const double at_s[] = { 1, 2 }, y[] = { 1, 2 };
    struct plot_mark mark = { 1.5, "</text><script>alert(1)</script>", true };
    struct plot plot = plot_of(at_s, y, 2);
    plot.title = "A \"hall\" <of> R&D's\x01 \xff";
    plot.lines[0].name = "<b>";
    plot.marks = &mark;
    plot.mark_count = 1;
    draw(&plot);
    plot_table(&svg, &plot, 2);
    CHECK(!xml_check(out_view(&svg)));
    CHECK(str_find_str(out_view(&svg), STR("<script")) < 0);
    CHECK(str_find_str(out_view(&svg), STR("<b>")) < 0);
    CHECK_HAS(out_view(&svg), STR("A &quot;hall&quot; &lt;of&gt; R&amp;D&#39;s"));
}

TEST(plot, the_table_has_the_highest_value_of_each_span)
{
    static const double at_s[] = { 1, 2, 3, 4 }, y[] = { 5, 9, NAN, 4 };
    struct plot plot = plot_of(at_s, y, 4);
    out_fini(&svg);
    svg = out_make(MIB);
    plot_table(&svg, &plot, 2);
    CHECK_HAS(out_view(&svg), STR("<th scope=\"row\">0:00</th><td>5</td>"));
    CHECK_HAS(out_view(&svg), STR("<th scope=\"row\">0:02</th><td>9</td>"));
}

TEST(plot, what_is_not_well_formed_is_seen)
{
    CHECK(!xml_check(STR("<a b=\"c\">d &amp; e<f/></a>")));
    CHECK(xml_check(STR("<a><b></a></b>")) != NULL);
    CHECK(xml_check(STR("<a>")) != NULL);
    CHECK(xml_check(STR("<a b=c></a>")) != NULL);
    CHECK(xml_check(STR("<a b=\"c\"d></a>")) != NULL);
    CHECK(xml_check(STR("<a>R&D</a>")) != NULL);
    CHECK(xml_check(STR("</a>")) != NULL);
}
