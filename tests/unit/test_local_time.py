"""Local time follows the wall clock through both nights that the clocks change."""

from __future__ import annotations

from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo

import numpy as np
import pandas as pd
import pytest

from dashboard.domain.errors import BadRequest, UnknownName
from dashboard.domain.local_time import (
    civil_date,
    end_of_civil_day,
    end_of_day_after,
    half_hour,
    hour_of_week,
    localise,
    same_time_after,
    to_local,
    wall_clock,
)

NEW_YORK = "America/New_York"


def at(*instants: str) -> np.ndarray:
    return np.array(instants, dtype="datetime64[us]")


def utc(*local: str) -> np.ndarray:
    return localise(at(*local), NEW_YORK).utc


@pytest.mark.parametrize(("day", "hours"), [("2026-11-01", 25), ("2026-03-08", 23), ("2026-06-01", 24)])
def test_a_day_has_as_many_hourly_bins_as_the_clock_shows(day, hours):
    around = np.arange(
        np.datetime64(day, "us") - np.timedelta64(2, "D"),
        np.datetime64(day, "us") + np.timedelta64(3, "D"),
        np.timedelta64(1, "h"),
    )
    assert (civil_date(around, NEW_YORK) == np.datetime64(day)).sum() == hours


def test_the_night_the_clocks_go_back_counts_one_hour_twice():
    night = np.arange(
        np.datetime64("2026-11-01T04:00", "us"), np.datetime64("2026-11-01T09:00"), np.timedelta64(1, "h")
    )
    assert list(hour_of_week(night, NEW_YORK)) == [144, 145, 145, 146, 147]
    assert list(half_hour(night, NEW_YORK)) == [0, 2, 2, 4, 6]


def test_the_night_the_clocks_go_forward_lacks_one_hour():
    night = np.arange(
        np.datetime64("2026-03-08T05:00", "us"), np.datetime64("2026-03-08T09:00"), np.timedelta64(1, "h")
    )
    assert list(hour_of_week(night, NEW_YORK)) == [144, 145, 147, 148]


def test_noon_to_noon_over_the_fall_back_is_25_hours():
    noon = utc("2026-10-31T12:00", "2026-11-01T12:00")
    assert noon[1] - noon[0] == np.timedelta64(25, "h")


def test_ambiguous_times_are_the_first_occurrence_and_skipped_ones_the_end_of_the_gap():
    told = localise(
        at(
            "2026-11-01T00:59:59",
            "2026-11-01T01:00",
            "2026-11-01T01:59:59",
            "2026-11-01T02:00",
            "2026-03-08T01:59:59",
            "2026-03-08T02:00",
            "2026-03-08T02:59:59",
            "2026-03-08T03:00",
            "NaT",
        ),
        NEW_YORK,
    )
    expected = at(
        "2026-11-01T04:59:59",
        "2026-11-01T05:00",
        "2026-11-01T05:59:59",
        "2026-11-01T07:00",
        "2026-03-08T06:59:59",
        "2026-03-08T07:00",
        "2026-03-08T07:00",
        "2026-03-08T07:00",
        "NaT",
    )
    np.testing.assert_array_equal(told.utc, expected)
    assert told.ambiguous.tolist() == [False, True, True, False, False, False, False, False, False]
    assert told.nonexistent.tolist() == [False, False, False, False, False, True, True, False, False]


@pytest.mark.parametrize(
    "tz",
    [
        NEW_YORK,
        "America/Phoenix",
        "Europe/London",
        "Australia/Lord_Howe",
        "America/Havana",
        "Pacific/Apia",
        "Africa/Casablanca",
        "UTC",
        "Asia/Kathmandu",
    ],
)
def test_every_instant_agrees_with_the_standard_library(tz):
    seconds = np.random.default_rng(311).integers(-1_000_000_000, 2_400_000_000, 1500)
    instants = seconds.astype("datetime64[s]").astype("datetime64[us]")
    aware = [datetime.fromtimestamp(int(second), ZoneInfo(tz)) for second in seconds]
    local = to_local(instants, tz)
    assert local.tolist() == [each.replace(tzinfo=None) for each in aware]
    assert list(hour_of_week(instants, tz)) == [each.weekday() * 24 + each.hour for each in aware]
    assert list(half_hour(instants, tz)) == [each.hour * 2 + each.minute // 30 for each in aware]
    back = [each.replace(fold=0).astimezone(UTC).replace(tzinfo=None) for each in aware]
    assert localise(local, tz).utc.tolist() == back


def test_wall_clock_times_agree_with_pandas_around_every_change():
    local = pd.Series(pd.date_range("2024-01-01", "2026-12-31", freq="77min", unit="us"))
    expected = local.dt.tz_localize(NEW_YORK, ambiguous=np.ones(len(local), bool), nonexistent="shift_forward")
    told = localise(local, NEW_YORK)
    np.testing.assert_array_equal(told.utc, expected.dt.tz_convert("UTC").dt.tz_localize(None).to_numpy())
    assert told.ambiguous.any() and told.nonexistent.any()


def test_a_gap_of_half_an_hour_ends_after_half_an_hour():
    # pandas 3.1 shifts these to 03:00 on the wall clock, half an hour past the end of the gap.
    told = localise(at("2026-10-04T01:59", "2026-10-04T02:15", "2026-10-04T02:30"), "Australia/Lord_Howe")
    np.testing.assert_array_equal(told.utc, at("2026-10-03T15:29", "2026-10-03T15:30", "2026-10-03T15:30"))
    assert told.nonexistent.tolist() == [False, True, False]


def test_a_missing_instant_has_no_local_hour_and_no_day():
    assert hour_of_week(at("NaT", "2026-06-01T04:00"), NEW_YORK).isna().tolist() == [True, False]
    assert half_hour([None], NEW_YORK).isna().all()
    assert np.isnat(civil_date(at("NaT"), NEW_YORK)).all()
    assert len(to_local(at(), NEW_YORK)) == 0


def test_an_absurd_year_is_an_ordinary_time():
    for noon in ("3016-07-01T12:00", "0016-07-01T12:00"):
        assert to_local(at(noon), "UTC").tolist() == [datetime.fromisoformat(noon)]
    with pytest.raises(BadRequest, match="years 1 to 9999"):
        to_local(at("12000-01-01"), "UTC")


@pytest.mark.parametrize("edge", ["0001-01-01", "9999-12-31T23:59:59"])
@pytest.mark.parametrize("tz", ["Pacific/Kiritimati", "Pacific/Pago_Pago"])
def test_the_first_and_last_day_of_all_do_not_break_the_clock(edge, tz):
    assert not np.isnat(to_local(at(edge), tz)).any()
    assert not np.isnat(localise(at(edge), tz).utc).any()


def test_times_that_carry_a_zone_are_not_localised_again():
    with pytest.raises(BadRequest, match="already carry a time zone"):
        localise(pd.Series(pd.to_datetime(["2026-06-01T12:00Z"])), NEW_YORK)
    # Told as UTC instants they are welcome: the zone says which instant is meant.
    aware = pd.Series(pd.to_datetime(["2026-06-01T12:00+02:00"]))
    assert to_local(aware, NEW_YORK).tolist() == [datetime.fromisoformat("2026-06-01T06:00")]


def test_an_unknown_zone_suggests_one_that_exists():
    with pytest.raises(UnknownName, match="America/New_York"):
        localise(at("2026-06-01"), "America/NewYork")
    with pytest.raises(UnknownName):
        localise(at("2026-06-01"), "")


def test_a_due_date_without_a_time_ends_with_its_local_day():
    ends = end_of_civil_day(["2026-06-30", "2026-10-31", "2026-11-01"], NEW_YORK)
    assert (
        ends.tolist()
        == at("2026-07-01T03:59:59.999999", "2026-11-01T03:59:59.999999", "2026-11-02T04:59:59.999999").tolist()
    )
    assert (
        civil_date(ends, NEW_YORK).tolist()
        == np.array(["2026-06-30", "2026-10-31", "2026-11-01"], "datetime64[D]").tolist()
    )


def test_calendar_days_keep_the_wall_clock_time():
    opened = utc("2026-10-30T16:00", "2026-03-07T02:30", "2026-06-01T10:00")
    np.testing.assert_array_equal(
        same_time_after(opened, [3, 1, 0], NEW_YORK), utc("2026-11-02T16:00", "2026-03-08T03:00", "2026-06-01T10:00")
    )
    np.testing.assert_array_equal(
        end_of_day_after(opened, 2, NEW_YORK), end_of_civil_day(["2026-11-01", "2026-03-09", "2026-06-03"], NEW_YORK)
    )


def test_a_deadline_is_never_before_its_request():
    second_half_past_one = at("2026-11-01T06:30")
    assert same_time_after(second_half_past_one, 0, NEW_YORK) == second_half_past_one


@pytest.mark.parametrize(
    "zone", ["America/New_York", "America/Chicago", "UTC", "Australia/Lord_Howe", "America/Sao_Paulo", "Europe/Dublin"]
)
def test_a_days_row_of_the_wall_clock_says_of_each_time_what_localising_says(zone):
    days = wall_clock(zone, date(1999, 12, 30), date(2027, 1, 2))
    local = np.arange(np.datetime64("2000-01-01", "us"), np.datetime64("2027-01-01", "us"), np.timedelta64(10, "m"))
    row = days.set_index("day").loc[local.astype("datetime64[D]").astype("datetime64[us]")].to_dict("series")
    shown = local.view(np.int64)
    late = shown >= row["ends"].to_numpy()
    offset, start, again = (
        np.where(late, row[f"{name}_2"].to_numpy(), row[name].to_numpy()) for name in ("offset", "start", "again")
    )
    expected = localise(local, zone)
    assert (np.maximum(shown - offset, start).astype("datetime64[us]") == expected.utc).all()
    assert ((shown - offset < start) == expected.nonexistent).all()
    assert (((shown - offset >= start) & (shown >= again)) == expected.ambiguous).all()
