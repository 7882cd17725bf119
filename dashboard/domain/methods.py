"""What methods work out, in the words of a definition, for cards and *Definitions*; measures are declared elsewhere.

Constants of the domain come from where they are used, so that a definition cannot grow old; a test holds those of the
storeys above against the words here.
"""

from __future__ import annotations

from dashboard.domain.before_after import FEWEST_MONTHS, MOST_STEPS
from dashboard.domain.difference_in_differences import FEWEST
from dashboard.domain.emerging import Category
from dashboard.domain.erlang import HANG_UPS_COUNT, MOST_BUSY
from dashboard.domain.hotspots import LEVEL
from dashboard.domain.interrupted_series import FEWEST_COUNTS, FEWEST_STEPS
from dashboard.domain.staffing import BUSY_WEEK, PAID_HOURS, WEEKS
from dashboard.domain.standardisation import FEWEST as FEWEST_OF_A_KIND
from dashboard.domain.terms import Term


def _percent(share: float) -> str:
    return f"{100 * share:.0f}\N{NO-BREAK SPACE}%"


# ── Staffing ──

BUSY = f"as many calls as {_percent(BUSY_WEEK)} of weeks do not exceed"

USUAL_WEEK = Term(
    "Usual and busy week",
    f"What the {WEEKS} whole weeks before the end of the period were like, without holidays, events and days without "
    "data. Staff is planned for the busy week, as calls vary more than chance.",
    f"usual: the mean of each half-hour of the week; busy: {BUSY}",
    "measures reference, A13",
)
NEEDED = Term(
    "Agents needed",
    "The fewest agents on the phone with whom the target is to be expected. Callers who hang up count "
    f"(Erlang A) where more than {_percent(HANG_UPS_COUNT)} do; else nobody is thought to (Erlang C).",
    "fewest agents with an expected share in time ≥ target, busy for "
    f"{_percent(MOST_BUSY)} at the most; load = calls × handle time ÷ length of the half-hour",
    "measures reference, A14",
)
TAKING_CALLS = Term(
    "Taking calls",
    "As many of the agents who were there as explain the service level that was seen. States say who was ready, not "
    "who took the next call.",
    "agents present × the part with which the model expects what was seen; without states, rostered × (1 − shrinkage)",
    "decision 40",
)
SHORT = Term(
    "Short, to spare",
    "A half-hour is short with half an agent too few or more, and has agents to spare from one and a half too many.",
    "agents taking calls − agents needed in a busy week",
)
SHRINKAGE = Term(
    "Shrinkage",
    "The part of rostered time in which nobody takes calls: breaks, training, meetings, and what no state tells.",
    "1 − agents taking calls ÷ agents rostered",
    "measures reference, A14",
)
POSITIONS = Term(
    "Positions",
    f"Full-time positions of {PAID_HOURS:,.0f} paid hours a year, for a week that is staffed as needed.",
    f"Σ agents needed × hours ÷ (1 − shrinkage) × 52 ÷ {PAID_HOURS:,.0f}",
    "measures reference, E",
)
EXPECTED_OF_CALLERS = Term(
    "Expected by the model",
    "What the calls that came would have met with so many agents. How far it is right is told below, in “Does the "
    "model hold?”.",
    "Erlang A or C for each half-hour of each usual day, weighted by its calls",
    "measures reference, A14",
)
OPENING = Term(
    "Other opening hours",
    "What fewer hours would take. Between two bounds: the calls of the hours that are lost are never made, or all of "
    "them at other times, spread as calls are then.",
    "positions for the hours left, with the calls of these; and with as many times more as make up for the rest",
)
GROWTH = Term(
    "Growth of a year",
    "How many times as many calls came in the last 52 weeks as in the 52 before, on days that were usual in both.",
    "Σ calls ÷ Σ calls of the same weekdays 52 weeks earlier; 80 % interval from the thirteen stretches of four weeks",
    "measures reference, A13",
)
STAFFING = (USUAL_WEEK, NEEDED, TAKING_CALLS, SHORT, SHRINKAGE, POSITIONS, EXPECTED_OF_CALLERS, OPENING, GROWTH)

# ── Districts held against the city ──

SAME_MIX = Term(
    "For the same mix",
    "What a district would come to if its people asked for the same kinds of things as those of the whole city: the "
    "same types, priorities and seasons. Every kind is held against the city’s and counts as much as the city reports "
    "it; where only some requests are seen, those of a department, the city is all of these. "
    f"Where there are fewer than {FEWEST_OF_A_KIND} of a kind, a coarser one is used.",
    "Σ over kinds: the kind’s part of the city × what it takes in the district (direct standardisation)",
    "measures reference, section I",
)
REPORTED_AGAIN = Term(
    "Times as often as overall",
    "How many reports followed the first ones of a district’s problems while these stood open, for each that would "
    "have if every kind of problem had been reported again as often as in the city. Below 1, fewer people tell of what "
    "they see, or fewer see it.",
    "repeats ÷ Σ over service types: restricted_s × the city’s repeats ÷ the city’s restricted_s "
    "(indirect standardisation)",
    "measures reference, section I (Liu et al.)",
)
FAIRNESS = (SAME_MIX, REPORTED_AGAIN)

# ── Places ──

STANDS_OUT = Term(
    "Stands out",
    "A place, with its neighbours, holds more than chance would spread there: per resident where it is known who lives "
    f"where, else by number. Of the places that are said to, at most {_percent(LEVEL)} should be chance. z tells how "
    "far a place lies above all places, in units that a few strong ones make large; q tells what chance explains, once "
    "these are set aside: beside them a z near 0 may stand out, and where little is reported a large one may not.",
    "z: Gi*; q: the exact chance of as much in as many other places, corrected for testing every place "
    "(Benjamini and Hochberg)",
    "measures reference, C1 and C4; decision 15",
)
RATE = Term(
    "Per 1,000 residents",
    "Reports for 1,000 residents of a place, drawn towards the rate of the city where few live.",
    "empirical Bayes estimate",
    "Marshall 1991; measures reference, C4",
)
_TOLD = [one for one in Category if one is not Category.NONE and not one.word.endswith("cold")]
PATTERN = Term(
    "What became of it",
    "; ".join(f"**{one.word}**: {one.meaning}" for one in _TOLD) + ".",
    "each slice of time tested like the period; trend of its z by Mann and Kendall",
    "measures reference, C2",
)
OUTBREAK = Term(
    "Broken out",
    "More lately than before, and than elsewhere at the same time. Chronic places do not break out.",
    "space-time permutation scan over circles of places and windows up to the last day",
    "Kulldorff et al. 2005; measures reference, C3",
)
TIMES_AS_OFTEN = Term(
    "Times as often",
    "How many times as often a service type is reported where places stand out as in all others.",
    "reports per resident there ÷ reports per resident elsewhere; per place where nobody knows who lives where; exact "
    "95 % interval",
    "Przyborowski and Wilenski 1940",
)
REPEAT_ADDRESS = Term(
    "Repeat address",
    "An address with three or more incidents of one type within a year.",
    "incidents at one parcel or address, each 14 days or more after the one before",
    "measures reference, C4",
)
CROWD = Term(
    "Crowd of points",
    "Points so near each other that all are linked by steps of 100 m, each with four others or more around it.",
    "DBSCAN in metres",
    "Ester et al. 1996; measures reference, C3",
)
TREATED_OR_NOT = Term(
    "Treated, and like them",
    "Places at which something was done, beside places with as many reports before at which nothing was.",
    "share reported again within so many days, weighted alike; 95 % interval",
    "measures reference, C5 and D3",
)
PLACES = (STANDS_OUT, RATE, PATTERN, OUTBREAK, TIMES_AS_OFTEN, TREATED_OR_NOT, CROWD, REPEAT_ADDRESS)

# ── Changes ──

ALONE = Term(
    "Before and after alone",
    "What was counted where the change was made, after it against before it. Season, trend and luck are all in it.",
    "rate after ÷ rate before",
    "measures reference, D3",
)
AGAINST_COMPARISON = Term(
    "Against the comparison",
    f"How much more it changed there than where nothing was changed. Each side needs {FEWEST} before and after. It "
    "holds if both would have gone on alike.",
    "(after ÷ before where it was made) ÷ (after ÷ before elsewhere): difference in differences, on a log scale",
    "measures reference, D3",
)
SERIES_ITSELF = Term(
    "The series itself",
    "Whether the level or the slope of the series breaks on that day, with its season taken out. It takes "
    f"{FEWEST_STEPS} steps and {FEWEST_COUNTS} counted on either side.",
    "interrupted series: trend, season, step and change of slope",
    "Lopez Bernal et al. 2017; measures reference, D3",
)
ALIKE_BEFORE = Term(
    "Alike before",
    f"Each of up to {MOST_STEPS} steps on either side against all others before the change. If both sides grew apart "
    f"before it, the comparison is a poor one. Months, where there are {FEWEST_MONTHS} after it; else weeks.",
    "ratio of the two sides in a step ÷ their ratio in the other steps before",
    "measures reference, D3",
)
NOTHING_CHANGED = Term(
    "Where nothing was changed",
    "The same arithmetic on earlier days, and in groups or random parts of the comparison. If it finds as much there, "
    "the effect proves nothing.",
    "chance: (1 + those with as large an effect) ÷ (1 + all of them)",
    "measures reference, D3",
)
CHANGES = (ALONE, AGAINST_COMPARISON, SERIES_ITSELF, ALIKE_BEFORE, NOTHING_CHANGED)
