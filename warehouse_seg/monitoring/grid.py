"""The dates that history keeps, so that neighbours are always equally far apart."""

from __future__ import annotations

from datetime import date, timedelta

from warehouse_seg.settings import Period

ONE_DAY = timedelta(days=1)


def period_start(day: date, period: Period) -> date:
    """The first day of the period that a day is in; dbt asks the engine (`seg_period_start`).

    >>> period_start(date(2024, 5, 17), Period.QUARTER)
    datetime.date(2024, 4, 1)
    """
    if period is Period.DAY:
        return day
    if period is Period.WEEK:
        return day - timedelta(days=day.weekday())
    months = 1 if period is Period.MONTH else 3
    return day.replace(month=day.month - (day.month - 1) % months, day=1)


def grid(first: date, last: date, period: Period) -> list[date]:
    """The dates of the grid from `first` to `last`, both inclusive, in order.

    >>> grid(date(2024, 1, 2), date(2024, 3, 31), Period.MONTH)
    [datetime.date(2024, 2, 1), datetime.date(2024, 3, 1)]
    """
    dates = []
    day = period_start(last, period)
    while day >= first:
        dates.append(day)
        day = date_before(day, period)
    return dates[::-1]


def is_on_grid(day: date, period: Period) -> bool:
    """Whether a date is the first day of a period; history has others where the grid was another."""
    return period_start(day, period) == day


def date_before(day: date, period: Period) -> date:
    """The neighbour before a date of the grid."""
    return period_start(day - ONE_DAY, period)
