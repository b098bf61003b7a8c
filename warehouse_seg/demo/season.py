"""The shop's calendar: which days are busy.

Two years that end on a fixed day, never the clock: the same seed gives the same shop next year.
"""

from __future__ import annotations

from datetime import date
from typing import Final

import numpy as np
from numpy.typing import NDArray

LAST_DAY: Final = date(2026, 6, 30)
DAY_COUNT: Final = 730
FIRST_DAY: Final = np.datetime64(LAST_DAY, "D") - (DAY_COUNT - 1)

# January to December: the dip of the summer holidays and the rise towards Christmas that European food and household
# retail knows. December's peak comes on top (`gift_season`).
MONTH_FACTORS: Final = np.array(
    [0.96, 0.94, 1.00, 1.02, 1.00, 0.93, 0.78, 0.74, 0.97, 1.05, 1.18, 1.25]
)
# Monday to Sunday: a web shop sells most on Sunday evening and Monday, least on Saturday.
WEEKDAY_FACTORS: Final = np.array([1.18, 1.04, 0.98, 0.97, 0.88, 0.78, 1.17])
YEARLY_GROWTH: Final = 0.06
EVERYBODYS_GIFT_PULL: Final = 0.3
"""Every household buys more before Christmas; a gift buyer hardly buys at another time."""

FloatArray = NDArray[np.float64]
Days = NDArray[np.datetime64]


def calendar_days() -> Days:
    """Every day of the shop's two years, oldest first."""
    return FIRST_DAY + np.arange(DAY_COUNT)


def ordinary_weights() -> FloatArray:
    """How busy each day is without an occasion: month, weekday, slow growth."""
    days = calendar_days()
    month = days.astype("datetime64[M]").astype(np.int64) % 12
    weekday = (days.astype(np.int64) + 3) % 7  # 1970-01-01 was a Thursday
    growth = (1 + YEARLY_GROWTH) ** (np.arange(DAY_COUNT) / 365)
    weights: FloatArray = MONTH_FACTORS[month] * WEEKDAY_FACTORS[weekday] * growth
    return weights


def gift_season() -> FloatArray:
    """Between 0 and 1 for each day: highest on 12 December, a small hill before Mother's Day in May."""
    christmas = _hill(month=12, day=12, width_days=9)
    mothers_day = _hill(month=5, day=8, width_days=4)
    return np.maximum(christmas, 0.35 * mothers_day)


def _hill(month: int, day: int, width_days: float) -> FloatArray:
    days = calendar_days()
    first_of_month = (days.astype("datetime64[Y]").astype("datetime64[M]") + (month - 1)).astype(
        "datetime64[D]"
    )
    distance = (days - (first_of_month + (day - 1))).astype(np.float64) / width_days
    hill: FloatArray = np.exp(-0.5 * distance**2)
    return hill


def day_weights(gift_pulls: FloatArray) -> FloatArray:
    """Gift pulls (T,) → how busy each day is for a buyer of that pull (T, days)."""
    pull = EVERYBODYS_GIFT_PULL + gift_pulls[:, np.newaxis]
    weights: FloatArray = ordinary_weights() * (1 + pull * gift_season())
    return weights
