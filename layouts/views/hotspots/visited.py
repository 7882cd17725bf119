"""What came of going there: visits that confirmed a report, addresses that come back, the effect of treatment."""

from __future__ import annotations

from data_access.dimensions import district
from data_access.fieldwork import Treated, TreatmentEffect
from data_access.hotspots import Analysed
from data_access.measures.requests import opened
from data_access.semantics import Answer
from layouts import components as c
from layouts.figures import comparisons, words
from layouts.figures.comparisons import Kept
from layouts.view import Context, Drawing, Place
from layouts.views.hotspots.asking import CAUTION, size_of


def draw_confirmed(answers: tuple[Answer | None, ...], context: Context) -> Drawing:
    """The share of visits that found activity, by district and all together, with intervals."""
    by, whole = answers
    assert by is not None and whole is not None
    total = next(whole.frame.itertuples(index=False))
    if not total.visits_told:
        return Drawing(c.empty("No inspection with an outcome is recorded here in this period."), is_empty=True)
    frame = by.frame[(by.frame["visits_told"] > 0) & (by.frame[district.name] != district.missing)]
    rows = [Kept(row.district, row.visits_active, row.visits_told) for row in frame.itertuples(index=False)]
    is_all = len(rows) == 1 and rows[0].under == total.visits_told
    everywhere = None if is_all else Kept("All", total.visits_active, total.visits_told)
    figure = comparisons.shares_with_intervals(rows, everywhere, None, context.selected, said="confirmed", of="visits")
    enough = frame[frame["visits_told"] >= words.FEW]
    share = c.share(total.confirmed_share, 0)
    text = f"Inspectors found activity in **{share}** of {words.plural(total.visits_told, 'visit')}"
    if len(enough) > 1:
        top = enough.loc[(enough["visits_active"] / enough["visits_told"]).idxmax()]
        text += f", most often in **{top[district.name]}**"
    return Drawing(c.sentence(text + "."), figure, foot=words.foot("Visits with an outcome; 95 % intervals", CAUTION))


def draw_addresses(answers: tuple[Analysed, ...], context: Context) -> Drawing:
    """Addresses with three and more incidents within a year."""
    (answer,) = answers
    frame = answer.frame
    if frame.empty:
        return Drawing(c.sentence("No address has come back three times within a year."), is_empty=True)
    shown = frame.head(8)
    reports = words.plural(int(frame["reports"].sum()), "report")
    text = (
        f"{words.plural(len(frame), 'address accounts', 'addresses account')} for {reports} within a year; "
        f"**{shown.iloc[0]['address']}** came back most often."
    )
    columns = [c.Column("Address"), c.Column("Incidents", is_number=True), c.Column("Callers", is_number=True),
               c.Column("Last", is_number=True)]  # fmt: skip
    rows = []
    for row in shown.itertuples(index=False):
        callers = c.NOTHING if row.requesters != row.requesters or row.requesters is None else c.count(row.requesters)
        alone = callers == "1" and row.incidents >= 5
        rows.append([
            c.twin(row.address, f"{row.service_type}, {row.district or 'no district'}"),
            c.twin(c.count(row.incidents), f"every {row.days_between:.0f} days"),
            c.tag("one caller", "warn") if alone else callers,
            c.twin(f"{row.last_on.day} {row.last_on:%b}", row.last_outcome),
        ])  # fmt: skip
    return Drawing(c.sentence(text), body=c.table(columns, rows, caption="Repeat addresses", className="rank"),
                   foot=words.foot("Same address and type, each 14 days after the one before",
                                   "internal: never in the public view"))  # fmt: skip


def treatment_in(place: Place) -> TreatmentEffect:
    """What treatment did, in hexagons of the size an address asks for."""
    return TreatmentEffect(opened, size_of(place))


def draw_treatment(answers: tuple[Treated, ...], context: Context) -> Drawing:
    """Re-reports within 30 and 60 days of baiting, against matched places that were not baited."""
    (answer,) = answers
    known = [one for one in answer.effects if one.treated]
    if not known:
        why = "No baiting is recorded" if not answer.visits else "No baiting can be followed and matched"
        return Drawing(c.sentence(f"{why} in the year before the end of the period."), is_empty=True)
    columns = [c.Column("Reported again within"), c.Column("Treated", is_number=True),
               c.Column("Like them", is_number=True), c.Column("Difference", is_number=True)]  # fmt: skip
    rows = []
    for one in known:
        difference, low, high = map(words.signed_points, (one.difference, one.low, one.high))
        rows.append([
            f"{one.within_days} days",
            c.twin(c.share(one.treated_again / one.treated, 0), f"of {c.count(one.treated)}"),
            c.twin(c.share(one.controls_again / one.controls, 0), f"of {c.count(one.controls)}"),
            c.twin(f"{difference} points", f"{low} to {high}"),
        ])  # fmt: skip
    last = known[0]
    if last.high < 0:
        text = (
            f"Within {last.within_days} days treated places were reported again **less often** than places like them."
        )
    elif last.low > 0:
        text = (
            f"Within {last.within_days} days treated places were reported again **more often** than places like them."
        )
    else:
        text = f"Within {last.within_days} days no difference can be told between treated places and places like them."
    return Drawing(
        c.sentence(text), body=c.table(columns, rows, caption="Effect of treatment", className="rank"),
        foot=words.foot(
            "Baited visits against visits without baiting, as many reports before, within two weeks",
            "crews bait where they find something: a hint, no proof",
        ),
    )  # fmt: skip
