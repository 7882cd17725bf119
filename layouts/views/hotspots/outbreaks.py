"""What is new: places that broke out in the last weeks, and crowds of points."""

from __future__ import annotations

from data_access.fieldwork import WEEKS_BACK, WINDOW_DAYS, Crowds
from data_access.hotspots import LEAST_SCANNED, Broken, Outbreaks
from data_access.measures.requests import opened
from layouts import components as c
from layouts.figures import maps, words
from layouts.view import Context, Drawing, Place
from layouts.views.hotspots.asking import hexagon_of, size_of

SURE = 365.0
"""An outbreak as strong as that is met by chance less than once a year."""


def outbreaks_in(place: Place) -> Outbreaks:
    """What broke out, in hexagons of the size an address asks for."""
    return Outbreaks(opened, size_of(place))


def draw_outbreaks(answers: tuple[Broken, ...], context: Context) -> Drawing:
    """What the scan found in the last weeks: where, since when, how much more than expected, how rare by chance."""
    (answer,) = answers
    frame = answer.frame
    days = f"{answer.period.sentence()}"
    if frame.empty:
        short = answer.period.days <= LEAST_SCANNED
        why = f"that takes more than {LEAST_SCANNED} days, and these are {answer.period.days}" if short else (
            "too little was reported")  # fmt: skip
        return Drawing(c.sentence(f"{words.capital(days)} cannot be scanned: {why}."), is_empty=True)
    sure = frame[frame["once_in_days"] >= SURE]
    if len(sure):
        first = sure.iloc[0]
        text = (
            f"**{first['place']}** has broken out: **{c.count(first['observed'])}** since {c.day(first['since'])} "
            f"where {first['expected']:,.{0 if first['expected'] >= 10 else 1}f} were to be expected."
        )
    else:
        text = "Nothing has broken out lately beyond what chance brings about once a year."
    columns = [c.Column("Place"), c.Column("Since"), c.Column(c.twin("Reports", "expected"), is_number=True),
               c.Column(c.twin("By chance", "once in"), is_number=True)]  # fmt: skip
    hexagon = hexagon_of(context.place)
    rows = []
    for row in frame.itertuples(index=False):
        name = c.toggle(row.place, context.filters, hexagon.name, row.hexagon, **{"data-cell": row.hexagon})
        reach = f"{row.district or 'no district'}, {row.places} places" if row.places > 1 else row.district or ""
        rows.append([c.twin(name, reach), c.day(row.since), c.twin(c.count(row.observed), f"{row.expected:.1f}"),
                     c.tag(_once(row.once_in_days), "bad" if row.once_in_days >= SURE else "")])  # fmt: skip
    foot = words.foot(f"Scanned {days}, windows of 1 to 4 weeks up to its end",
                      "space-time permutation, 999 simulations; finds what is new, not what is chronic")  # fmt: skip
    return Drawing(c.sentence(text), body=c.table(columns, rows, caption="Outbreaks", className="rank"), foot=foot)


def _once(days: float) -> str:
    if days >= 2 * SURE:
        return f"{days / 365:,.0f} years"
    return f"{days:,.0f} days"


def draw_clusters(answers: tuple[Crowds, ...], context: Context) -> Drawing:
    """Crowds of points of the last four weeks, outlined, with how long each has been there."""
    (answer,) = answers
    frame = answer.frame
    if answer.is_cut:
        return Drawing(c.empty("Too many points to look at each: choose a service type."), is_empty=True)
    if frame.empty:
        return Drawing(c.sentence(f"No five reports within {WINDOW_DAYS} days lie close together."), is_empty=True)
    said = [f"<b>{row.points} points</b><br>{row.hectares:.1f} ha, for {row.weeks} weeks" for row in frame.itertuples()]
    figure = maps.crowd_map(context.build_id, answer.hulls, said)
    columns = [c.Column("#"), c.Column("District"), c.Column("Points", is_number=True), c.Column("For", is_number=True),
               c.Column("Hectares", is_number=True, on_phone=False)]  # fmt: skip
    rows = [
        [str(rank), row.district or "no district", c.count(row.points),
         _weeks(row.weeks), f"{row.hectares:.1f}"]
        for rank, row in enumerate(frame.head(6).itertuples(index=False), 1)
    ]  # fmt: skip
    biggest = frame.iloc[0]
    size = f"{biggest['hectares']:.{0 if biggest['hectares'] >= 10 else 1}f} hectares"
    text = (
        f"{words.plural(len(frame), 'crowd')} of points; the largest, **{c.count(biggest['points'])}** on {size} in "
        f"**{biggest['district'] or 'no district'}**, stands since {c.day(biggest['since'])}."
    )
    return Drawing(c.sentence(text), figure, body=c.table(columns, rows, caption="Crowds", className="rank"),
                   foot=words.foot("Five and more within 100 m of each other in 28 days",
                                   "a crowd that shares half its points with last week’s is the same"))  # fmt: skip


def _weeks(number: int) -> str:
    """How long a crowd has been there, as far back as was looked."""
    if number >= WEEKS_BACK:
        return f"{WEEKS_BACK} weeks or more"
    return "1 week" if number == 1 else f"{number} weeks"
