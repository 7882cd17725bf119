"""What the README shows works as it stands there."""

from __future__ import annotations

import re
from pathlib import Path

from callbacks.panels import answers_to, context_of
from dashboard.domain.filters import Filters, Period
from dashboard.domain.policy import Scope
from data_access.dimensions import DIMENSIONS
from data_access.semantics import Query

README = (Path(__file__).resolve().parents[2] / "README.md").read_text(encoding="utf-8")
MEASURE, VIEW = re.findall(r"```python\n(.*?)```", README, flags=re.S)


def test_the_measure_of_the_readme_answers(tiny):
    names: dict = {}
    exec(MEASURE, names)
    measure = names["reopened_share"]
    everything = Filters(Period.named("all", tiny.clock())).choose("department", ["Streets"])
    answer = tiny.ask(Query((measure,)), everything, Scope.everything())
    assert (answer.value("reopened"), answer.value("closed")) == (1, 10)
    assert answer.value(measure) == 0.1


def test_the_view_of_the_readme_draws(tiny):
    names: dict = {}
    exec(VIEW, names)
    view = names["VIEW"]
    assert view.href == "/reopenings"
    for panel in view.panels:
        filters = Filters.from_search("?period=all", tiny.clock(), DIMENSIONS)
        drawing = panel.draw(answers_to(panel, filters, tiny), context_of(panel, filters, tiny))
        assert not drawing.is_empty
        assert drawing.figure or drawing.body
