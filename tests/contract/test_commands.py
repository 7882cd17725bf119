"""The command line answers like the screen, and says in a sentence what is wrong."""

from __future__ import annotations

import csv
import errno
import io
import json

import pytest
from click.testing import CliRunner

from dashboard.cli import main
from dashboard.cli.asking import _shown
from dashboard.services import Services


@pytest.fixture
def run(tiny, monkeypatch):
    """Run a command over the tiny city: ``run("ask", "opened")`` → its result."""
    monkeypatch.setenv("DASHBOARD311_DATA", str(tiny.settings.data))
    monkeypatch.setenv("DASHBOARD311_DATABASE", tiny.settings.database)

    def run(*words: str):
        return CliRunner().invoke(main, list(words), catch_exceptions=False)

    return run


def test_json_bears_the_names_of_measures_and_dimensions(run):
    result = run(
        "ask", "sla_compliance", "--by", "district", "--from", "2026-06-01", "--to", "2026-07-01",
        "--where", "department=Vector", "--format", "json",
    )  # fmt: skip
    assert result.exit_code == 0
    assert json.loads(result.stdout) == [
        {"district": "North", "sla_compliance": 0.5, "kept": 2, "due": 4},
        {"district": "South", "sla_compliance": 0.5, "kept": 1, "due": 2},
    ]


def test_csv_has_a_row_for_every_step_without_gaps(run):
    result = run("ask", "opened", "backlog", "--every", "month", "--from", "2025-11-01", "--format", "csv")
    rows = list(csv.DictReader(io.StringIO(result.stdout)))
    assert [row["month"] for row in rows] == [f"2025-{m}-01" for m in (11, 12)] + [f"2026-0{m}-01" for m in range(1, 7)]
    assert sum(int(row["opened"]) for row in rows) == 20
    assert rows[-1]["backlog"] == "4"


@pytest.mark.parametrize(("value", "unit", "shown"), [
    (3.5, "h", "3.5 h"), (322.203, "10,000 stops", "322.203 × 10,000"), (14.784, "1,000 months", "14.784 × 1,000"),
    (1234.5, "money", "1,234.50"), (0.8555, "share", "85.55 %"), (90.0, "s", "90 s"), (1234.0, "requests", "1,234"),
    (97_200.0, "s", "27.0 h"), (259_200.0, "s", "3.0 d"), (259_200.0, "working s", "72.0 working h"),
    (5_400.0, "working s", "90.0 working min"), (30.0, "working s", "30 working s"),
])  # fmt: skip
def test_a_value_is_shown_with_its_unit(value, unit, shown):
    assert _shown(value, unit) == shown


def test_a_table_for_people_shows_units(run):
    result = run("ask", "sla_compliance", "handle_time", "--from", "2026-06-01")
    assert "50.00 %" in result.stdout
    assert "3.0 min" in result.stdout


def test_two_divisions_and_two_conditions_may_follow_one_option(run):
    result = run("ask", "opened", "--by", "department", "channel", "--where", "district=north", "--format", "csv")
    assert result.stdout.splitlines()[0] == "department,channel,opened"
    twice = run("ask", "opened", "--where", "district=North", "channel=phone", "--format", "csv")
    assert twice.stdout.split() == ["opened", "5"]


def test_as_of_looks_back(run):
    now = run("ask", "backlog", "--where", "department=Vector", "--to", "2026-06-09", "--format", "json")
    then = run(
        "ask",
        "closed",
        "--where",
        "department=Vector",
        "--as-of",
        "2026-06-08",
        "--from",
        "2026-06-01",
        "--format",
        "json",
    )
    assert json.loads(now.stdout) == [{"backlog": 2}]
    assert json.loads(then.stdout) == [{"closed": 3}]  # 6, 10 and 1; 2 was closed on the 9th


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["ask", "opend"], "Did you mean opened"),
        (["ask", "opened", "--by", "distict"], "Did you mean district"),
        (["ask", "opened", "--where", "district=Nrth"], "Did you mean North"),
        (["ask", "opened", "--where", "district"], "write --where DIM=VALUE"),
        (["ask", "opened", "--from", "last week"], "is not a date"),
        (["ask", "opened", "--from", "2026-06-02", "--to", "2026-06-01"], "ends before it begins"),
        (["ask", "opened", "--as-of", "noon"], "--as-of wants"),
        (["ask", "offered", "--by", "district"], "cannot be divided by district"),
        (["measures", "sla"], "Did you mean sla_compliance"),
        (["dimensions", "place"], "no dimension"),
    ],
)
def test_what_is_wrong_is_said_in_a_sentence(run, words, told):
    result = run(*words)
    assert result.exit_code == 1
    assert told in result.stderr
    assert result.stdout == ""


def test_check_says_what_is_in_service(run):
    result = run("check")
    assert result.exit_code == 0
    assert "Tinytown (made up)" in result.stdout
    assert "21 requests, 1,063 contacts" in result.stdout


def test_a_rate_that_is_narrowed_on_one_side_only_is_refused_in_words(run):
    refused = run("ask", "miss_rate", "--where", "channel=phone")
    assert refused.exit_code == 1 and refused.stdout == ""
    assert "Rounds carry no channel: “Missed for 10,000 stops” cannot be told of this choice." in refused.stderr


def test_check_without_data_says_what_to_do(tmp_path):
    result = CliRunner().invoke(main, ["check", "--data", str(tmp_path / "nothing")])
    assert result.exit_code == 1
    assert "dashboard311 demo" in result.stderr


def test_measures_and_dimensions_can_be_listed(run):
    assert "sla_compliance" in run("measures").stdout
    assert "kept ÷ due" in run("measures", "sla_compliance").stdout
    assert {measure["name"] for measure in json.loads(run("measures", "--format", "json").stdout)} >= {
        "opened",
        "backlog",
    }
    assert run("dimensions", "department").stdout.split() == ["Streets", "Vector"]
    assert "age_band" in run("dimensions").stdout


@pytest.mark.parametrize(
    ("url", "told"),
    [
        ("nonsense", "an address like"),
        ("postgresql", "an address like"),
        ("postgresql://host:nonsense/name", "no address like"),
        ("postgresql://:hunter2@[::1/name", "no address like"),
    ],
)
def test_a_database_that_cannot_be_is_refused(tmp_path, monkeypatch, url, told):
    monkeypatch.setenv("DASHBOARD311_DATABASE", url)
    for words in (["check"], ["ask", "opened"]):
        result = CliRunner().invoke(main, [*words, "--data", str(tmp_path)])
        assert result.exit_code == 1
        assert told in result.stderr and "hunter2" not in result.stderr


def test_check_names_what_is_configured_without_passwords(run, monkeypatch):
    monkeypatch.setenv("DASHBOARD311_STATE", "postgresql://keeper:hunter2@host/accounts")
    monkeypatch.setenv("DASHBOARD311_CACHE", "redis://:hunter2@host:6379/0")
    told = run("check").stdout
    assert "postgresql://keeper:***@host/accounts" in told and "redis://***@host:6379/0" in told
    assert "hunter2" not in told


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("QUERY_SECONDS", "abc"),
        ("THREADS", "-3"),
        ("CACHE", "memcached://:hunter2@host"),
        ("BASEMAP", "nonsense"),
        ("DATABASE", "mysql://x"),
        ("REPLICA", "postgresql"),
        ("PROXY_NETWORKS", "nonsense"),
        ("PROXY_NETWORKS", "0.0.0.0/0"),
        ("STATE", "postgresql+asyncpg://:hunter2@host/name"),
    ],
)
def test_a_setting_that_cannot_be_is_named(tmp_path, monkeypatch, name, value):
    monkeypatch.setenv(f"DASHBOARD311_{name}", value)
    result = CliRunner().invoke(main, ["check", "--data", str(tmp_path)])
    assert result.exit_code == 1
    may_hold_a_password = name in ("DATABASE", "REPLICA", "STATE", "CACHE")
    told = f"DASHBOARD311_{name} wants" if may_hold_a_password else f"DASHBOARD311_{name} is “{value}”; it wants"
    assert told in result.stderr
    assert "hunter2" not in result.stderr


@pytest.mark.parametrize("words", [("--workers", "0"), ("--port", "99999")])
def test_nobody_is_served_by_no_process_nor_on_no_port(run, words):
    told = run("serve", *words)
    assert told.exit_code == 2 and "is not in the range" in told.stderr


def test_a_variable_that_is_no_setting_is_told(run, monkeypatch):
    monkeypatch.setenv("DASHBOARD311_SING_IN", "oidc")
    monkeypatch.setenv("DASHBOARD311_SECRET_FILE", "")
    told = run("check")
    assert told.exit_code == 0
    assert told.stderr == (
        "Note: DASHBOARD311_SING_IN is no setting and changes nothing. Did you mean DASHBOARD311_SIGN_IN?\n"
    )


def test_a_group_about_what_the_data_does_not_name_is_told(run, monkeypatch, tmp_path):
    group = '[[group]]\nname = "{0}"\nrole = "department head"\nown = "{0}"\n'
    (tmp_path / "groups.toml").write_text(group.format("Streets") + group.format("streets") + group.format("Zoo"))
    monkeypatch.setenv("DASHBOARD311_GROUPS", str(tmp_path / "groups.toml"))
    told = run("check")
    assert told.exit_code == 0
    sees = "which the data does not name: its members see nothing."
    assert told.stderr.splitlines() == [
        f"Note: The group “streets” is about the department “streets”, {sees} Did you mean Streets?",
        f"Note: The group “Zoo” is about the department “Zoo”, {sees}",
    ]


def test_what_people_type_is_text_and_never_markup(run):
    for word in ("[/foo]", "[bold]x[/bold]", ":bug:"):
        assert f"“{word}”" in run("ask", "opened", "--where", f"district={word}").stderr


def test_a_folder_that_cannot_be_written_is_said(tmp_path):
    (tmp_path / "file").write_text("")
    result = CliRunner().invoke(main, ["demo", "--scale", "0.001", "--data", str(tmp_path / "file" / "below")])
    assert result.exit_code == 1
    assert "Not a directory" in result.stderr


def test_a_division_given_twice_is_one(run):
    result = run("ask", "opened", "--by", "department", "--by", "department", "--format", "csv")
    assert result.stdout.splitlines()[0] == "department,opened"


def test_ages_are_counted_at_the_moment_looked_back_to(run):
    words = ("ask", "backlog", "--by", "age_band", "--where", "department=Vector", "--format", "json")
    then = run(*words, "--as-of", "2026-06-08")
    # open at the end of 8 June: 2, opened on the 2nd, and 7, opened on 25 May, a fortnight before
    assert json.loads(then.stdout) == [{"age_band": "3–7 d", "backlog": 1}, {"age_band": "8–14 d", "backlog": 1}]
    some = run(*words, "--where", "age_band=15–30 d")
    assert json.loads(some.stdout) == [{"age_band": "15–30 d", "backlog": 1}]


def test_steps_show_no_zeros_for_days_nobody_knows_about(run):
    months = run("ask", "opened", "--every", "month", "--from", "2020-01-01", "--to", "2030-01-01", "--format", "csv")
    lines = months.stdout.splitlines()
    assert (lines[1], lines[-1]) == ("2025-11-01,2", "2026-06-01,7")
    outside = run("ask", "opened", "--from", "2030-01-01", "--to", "2031-01-01")
    assert "1 Jan – 31 Dec 2030 lies outside" in outside.stderr


def test_values_of_ordered_dimensions_come_in_their_order(run):
    assert run("dimensions", "age_band").stdout.splitlines()[:2] == ["0–2 d", "3–7 d"]
    assert run("dimensions", "hour_of_week").stdout.split()[:3] == ["0", "1", "2"]


def test_refused_rows_can_be_read(run):
    assert "No row was refused" in run("refused").stdout
    assert run("refused", "--format", "csv").stdout.startswith("file,row_number,column_name,value,expected,reason")


def test_who_has_read_enough_is_told_nothing(run, monkeypatch):
    def closed(*_given, **_named):
        raise BrokenPipeError(errno.EPIPE, "Broken pipe")

    monkeypatch.setattr(Services, "ask", closed)  # as if “| head” had closed what is written to
    done = run("ask", "opened")
    assert done.exit_code == 1 and done.output == ""
