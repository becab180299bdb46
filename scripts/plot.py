#!/usr/bin/env python3
"""Draws columns of a CSV as an SVG, without any library: plot.py DATA.csv OUT.svg --x COLUMN --panel 'LABEL: COLUMN; ...'

    plot.py soak.csv docs/soak.svg --x 'minutes=time (minutes)' \\
        --panel 'WAL (MB): wal' --panel 'log: append (ms): append_p50=median; append_p99=99 of 100'

Panels stand below each other and share the x axis; each has a y axis of its own, logarithmic where its description begins with
'log:'. Columns are separated by ';' and may have a name after '='. An empty cell is a gap. The ground is transparent and every colour is of middle
brightness, so that it reads on white and on black.
"""
import argparse
import csv
import math
import sys
from html import escape

COLOURS = ["#3b82f6", "#e8710a", "#2da44e", "#a26bf0", "#e0474c", "#0f9fa8", "#b08800", "#d6449b"]
INK = "#7d8590"
WIDTH, LEFT, RIGHT = 760, 74, 18
PANEL, GAP, BOTTOM = 150, 44, 46
FONT = "font-family='system-ui,-apple-system,Segoe UI,Helvetica,Arial,sans-serif'"


class Axis:
    """Where a number lies between two ends, and which numbers to write down."""

    def __init__(self, values, log, from_zero):
        self.log = log
        values = [v for v in values if not log or v > 0]
        if not values:
            sys.exit("plot.py: no number to draw" + (" above 0, as a logarithmic axis needs" if log else ""))
        low, high = min(values), max(values)
        self.ticks = self._log_ticks(low, high) if log else self._linear_ticks(0 if from_zero and low > 0 else low, high)
        # Linear axes end on a tick; logarithmic ones a little beyond the data, which may lie far from the next one.
        self.low = min(low / 1.15, self.ticks[0]) if log else min(self.ticks[0], low)
        self.high = max(high * 1.15, self.ticks[-1]) if log else max(self.ticks[-1], high)

    @staticmethod
    def _linear_ticks(low, high):
        if high == low:
            high = low + (abs(low) or 1)
        step = 10 ** math.floor(math.log10((high - low) / 4))
        step *= next(m for m in (1, 2, 2.5, 5, 10) if (high - low) / (step * m) <= 5)
        first, last = math.floor(low / step + 1e-9), math.ceil(high / step - 1e-9)
        return [round(n * step, 10) for n in range(first, last + 1)]

    @staticmethod
    def _log_ticks(low, high):
        decades = range(math.floor(math.log10(low)), math.ceil(math.log10(high)) + 1)
        for steps in ((1,), (1, 3), (1, 2, 5)):
            ticks = [s * 10.0**d for d in decades for s in steps if low / 1.16 <= s * 10.0**d <= high * 1.16]
            if len(ticks) >= 3:
                break
        if len(ticks) > 7:
            ticks = ticks[:: math.ceil(len(ticks) / 7)]
        return ticks or [low]

    def place(self, value):
        """0 at the low end, 1 at the high one; None if it cannot be shown."""
        if value is None or (self.log and value <= 0):
            return None
        low, high, value = (math.log10(v) for v in (self.low, self.high, value)) if self.log else (self.low, self.high, value)
        return (value - low) / (high - low or 1)


def written(value):
    if value == 0:
        return "0"
    if abs(value) >= 1e6:
        return f"{value / 1e6:g} M"
    if abs(value) >= 1e4:
        return f"{value:,.0f}".replace(",", "\u202f")
    return f"{value:.6g}" if abs(value) >= 1e-4 else f"{value:.0e}"


def columns(text):
    """'a=first name; b' -> [('a', 'first name'), ('b', 'b')]"""
    pairs = [part.strip().partition("=") for part in text.split(";") if part.strip()]
    return [(column.strip(), (name or column).strip()) for column, _, name in pairs]


def read(path):
    with open(path, newline="") as file:
        rows = list(csv.DictReader(line for line in file if not line.startswith("#")))
    if not rows:
        sys.exit(f"plot.py: {path} has no row below its headings")
    return {name: [float(row[name]) if row[name] else None for row in rows] for name in rows[0]}


def column(data, name, path):
    if name not in data:
        sys.exit(f"plot.py: {path} has no column '{name}'; it has {', '.join(data)}")
    return data[name]


def text(x, y, words, anchor="start", size=12, weight="normal", fill=INK):
    return (f"<text x='{x:.1f}' y='{y:.1f}' text-anchor='{anchor}' font-size='{size}' font-weight='{weight}' "
            f"fill='{fill}'>{escape(words)}</text>")


def line(points, colour, with_dots):
    """Strokes between gaps, and dots where there are few enough to tell them apart."""
    out, stroke = [], []
    for point in points + [None]:
        if point is not None:
            stroke.append(f"{point[0]:.1f},{point[1]:.1f}")
        elif stroke:
            out.append(f"<polyline points='{' '.join(stroke)}' fill='none' stroke='{colour}' stroke-width='1.6' "
                       f"stroke-linejoin='round'/>")
            stroke = []
    if with_dots:
        out += [f"<circle cx='{p[0]:.1f}' cy='{p[1]:.1f}' r='2.8' fill='{colour}'/>" for p in points if p is not None]
    return out


def panel(top, label, series, xs, x_axis, log_y, from_zero):
    axis = Axis([v for _, values in series for v in values if v is not None], log_y, from_zero)
    right, bottom = WIDTH - RIGHT, top + PANEL
    out = [text(LEFT, top - 10, label, size=13, weight="600")]
    for tick in axis.ticks:
        y = bottom - axis.place(tick) * PANEL
        out.append(f"<line x1='{LEFT}' y1='{y:.1f}' x2='{right}' y2='{y:.1f}' stroke='{INK}' stroke-opacity='0.25'/>")
        out.append(text(LEFT - 8, y + 4, written(tick), "end"))
    names = []
    for index, (name, values) in enumerate(series):
        colour = COLOURS[index % len(COLOURS)]
        places = [(x_axis.place(x), axis.place(v)) for x, v in zip(xs, values)]
        points = [None if None in p else (LEFT + p[0] * (right - LEFT), bottom - p[1] * PANEL) for p in places]
        out += line(points, colour, len(points) <= 30)
        names.append(f"<tspan dx='{16 if names else 0}' fill='{colour}'>{escape(name)}</tspan>")
    if len(series) > 1:
        out.append(f"<text x='{right}' y='{top - 10}' text-anchor='end' font-size='12' font-weight='600'>{''.join(names)}</text>")
    return out


def draw(arguments):
    data = read(arguments.data)
    (x_name, x_label), = columns(arguments.x)
    xs = column(data, x_name, arguments.data)
    x_axis = Axis([x for x in xs if x is not None], arguments.log_x, False)
    top = 20 + (26 if arguments.title else 0) + 14
    out = [text(LEFT, 24, arguments.title, size=15, weight="600")] if arguments.title else []
    for number, description in enumerate(arguments.panel):
        log = description.startswith("log:")
        label, _, wanted = description.removeprefix("log:").partition(":")
        series = [(name, column(data, key, arguments.data)) for key, name in columns(wanted)]
        y = top + number * (PANEL + GAP)
        out += panel(y, label.strip(), series, xs, x_axis, log, arguments.zero)
    bottom = top + len(arguments.panel) * (PANEL + GAP) - GAP
    for tick in x_axis.ticks:
        x = LEFT + x_axis.place(tick) * (WIDTH - RIGHT - LEFT)
        out.append(f"<line x1='{x:.1f}' y1='{bottom}' x2='{x:.1f}' y2='{bottom + 5}' stroke='{INK}'/>")
        out.append(text(x, bottom + 19, written(tick), "middle"))
    out.append(text((LEFT + WIDTH - RIGHT) / 2, bottom + 37, x_label, "middle"))
    height = bottom + BOTTOM
    return (f"<svg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 {WIDTH} {height}' width='{WIDTH}' height='{height}' "
            f"{FONT} role='img'>\n<title>{escape(arguments.title or arguments.panel[0])}</title>\n" + "\n".join(out) + "\n</svg>\n")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data")
    parser.add_argument("out")
    parser.add_argument("--x", required=True, help="COLUMN or COLUMN=LABEL")
    parser.add_argument("--panel", action="append", required=True, help="'LABEL: COLUMN=NAME; COLUMN=NAME', 'log: LABEL: ...'")
    parser.add_argument("--title", default="")
    parser.add_argument("--log-x", action="store_true", help="the x axis is logarithmic")
    parser.add_argument("--zero", action="store_true", help="linear y axes begin at 0")
    arguments = parser.parse_args()
    drawn = draw(arguments)
    with open(arguments.out, "w") as file:
        file.write(drawn)


if __name__ == "__main__":
    main()
