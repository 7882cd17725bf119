"""The house rules that a machine can hold: names are declared once, described, and documented."""

import re
from importlib import import_module
from pathlib import Path
from pkgutil import iter_modules

import pytest

from dashboard.cli import main
from dashboard.cli.catalogue import measures_in_markdown, schema_in_markdown
from dashboard.cli.demo import stories_in_markdown
from dashboard.settings import Settings
from data_access import measures, schema
from data_access.dimensions import DIMENSIONS
from data_access.measures import CATALOGUE
from data_access.semantics import Measure, Ratio

ROOT = Path(__file__).resolve().parents[2]
README = (ROOT / "README.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("measure", CATALOGUE.values(), ids=lambda measure: measure.name)
def test_every_measure_says_what_it_is(measure):
    things = {
        "requests",
        "contacts",
        "surveys",
        "visits",
        "calls",
        "stretches",
        "half-hours",
        "stops",
        "rounds",
        "days",
    }
    known = things | {"share", "s", "working s", "s²", "h", "money", "ratio", "10,000 stops", "1,000 months"}
    assert measure.unit in known
    assert measure.better in {"higher", "lower", None}
    assert measure.about.endswith(".") and measure.formula and measure.source.startswith("measures reference")
    if isinstance(measure, Ratio):
        assert measure.over.name in CATALOGUE and measure.under.name in CATALOGUE


def test_no_two_measures_bear_one_name():
    modules = [import_module(f"{measures.__name__}.{one.name}") for one in iter_modules(measures.__path__)]
    declared = {
        id(one): one for module in modules for one in vars(module).values() if isinstance(one, Measure)
    }  # fmt: skip
    names = [one.name for one in declared.values()]
    assert sorted(names) == sorted(set(names)) == sorted(CATALOGUE)


def test_labels_of_measures_are_told_apart():
    shares = [measure.label for measure in CATALOGUE.values()]
    twice = {label for label in shares if shares.count(label) > 1}
    assert not twice, twice


def test_measures_and_dimensions_never_share_a_name():
    assert not set(CATALOGUE) & set(DIMENSIONS)


def test_every_setting_is_documented():
    for name in Settings.__dataclass_fields__:
        assert f"DASHBOARD311_{name.upper()}" in (Settings.__doc__ or "")
        assert f"DASHBOARD311_{name.upper()}" in README


def test_columns_are_named_by_what_they_hold():
    for table in schema.metadata.tables.values():
        for column in table.columns:
            kind = type(column.type).__name__
            if kind == "DateTime":
                assert column.name.endswith("_at") or column.name.endswith("as_of"), f"{table.name}.{column.name}"
            if kind == "Date":
                assert column.name.endswith("_on"), f"{table.name}.{column.name}"


def test_flags_are_bits():
    assert len(set(schema.FLAGS.values())) == len(schema.FLAGS)
    assert all(bit & (bit - 1) == 0 for bit in schema.FLAGS.values())


def test_no_file_is_a_drawer_for_everything():
    for path in ROOT.rglob("*.py"):
        if ".venv" not in path.parts:
            assert not re.fullmatch(r"(utils?|helpers?|common|misc|manager)\.py", path.name), path


def test_docs_written_by_commands_are_current():
    assert (ROOT / "docs/measures.md").read_text(encoding="utf-8") == measures_in_markdown()
    assert (ROOT / "docs/demo-city.md").read_text(encoding="utf-8") == stories_in_markdown()
    assert (ROOT / "docs/schema.md").read_text(encoding="utf-8") == schema_in_markdown()


@pytest.mark.parametrize("command", main.commands.values(), ids=lambda command: command.name)
def test_every_command_and_option_says_what_it_does(command):
    assert (command.help or "").strip()
    assert f"dashboard311 {command.name}" in README
