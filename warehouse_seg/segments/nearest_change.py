"""The smallest change of one feature that would put a customer into another segment.

Along one feature, the log odds of two segments are a quadratic of the step, so where the customer would leave the
segment is a root of it and needs no search.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from warehouse_seg.model.feature import Feature
from warehouse_seg.model.segment_model import SegmentModel
from warehouse_seg.model.transforms import LARGEST_MEASURE
from warehouse_seg.segments.measured_customer import MeasuredCustomer, standardized

Array = NDArray[np.float64]

USUAL = ("0.01", "0.99")
"""The shares of customers between whose values a change stays: nobody acts on a value that hardly anybody has."""

BOUND_TO_OTHERS = 0.98
"""A feature that the others explain to this share cannot move alone: it is nearly their sum, or one of them twice."""

BOUNDARY_STEP = 1e-6
"""So many standard deviations beyond the boundary a value without a unit is reported: there the segment is another."""


@dataclass(frozen=True)
class Change:
    """A value of one feature that would put the customer into another segment, all other features unchanged.

    reference: as in Contribution
    standard_deviations: how far that is on the model's scale, without a sign
    """

    feature: str
    reference: str | None
    value: float
    new_value: float
    standard_deviations: float
    segment_key: str
    segment_name: str


def nearest_change(model: SegmentModel, customer: MeasuredCustomer, top: int) -> Change | None:
    """The smallest of the changes that the features allow, of equal ones that of the first feature; None without any.

    A change stays within the values of the usual customers, and moves no feature that the others determine.
    top: the component that the customer is in
    """
    changes = [
        (abs(standardized(feature, value) - customer.z[place]), place, value)
        for place, feature in enumerate(customer.features)
        if customer.explained[place] < BOUND_TO_OTHERS
        for direction in (-1, 1)
        for value in _values_outside(customer, top, place, direction)
    ]
    if not changes:
        return None
    distance, place, value = min(changes)
    segment, feature = model.components[customer.top_with(place, value)], customer.features[place]
    return Change(
        feature=feature.feature,
        reference=feature.reference,
        value=float(customer.values[place]),
        new_value=value,
        standard_deviations=float(distance),
        segment_key=segment.segment_key,
        segment_name=segment.segment_name,
    )


def _values_outside(
    customer: MeasuredCustomer, top: int, place: int, direction: int
) -> Iterator[float]:
    """The nearest value of a feature in this direction at which another segment is the top one, if there is one."""
    feature, z = customer.features[place], customer.z[place]
    for start, end in _intervals_outside(customer, top, place, direction):
        for value in _values_within(feature, z + direction * start, z + direction * end, direction):
            if not _is_usual(feature, value * customer.divisors[place]):
                continue
            if customer.top_with(place, value) != top:
                yield value
                return


def _intervals_outside(
    customer: MeasuredCustomer, top: int, place: int, direction: int
) -> Iterator[tuple[float, float]]:
    """Intervals of t > 0 at which some segment has a larger density than the top one at z + direction t e_i, in order.

    l_top - l_k = log odds + slope t + curvature t^2 / 2 exactly; its roots are where k overtakes and falls back.
    """
    log_odds, slope, curvature = _log_odds_along(customer, top, place)
    others = [k for k in range(len(log_odds)) if k != top]
    polynomials = [(curvature[k] / 2, direction * slope[k], log_odds[k]) for k in others]
    ends = sorted({root for polynomial in polynomials for root in _positive_roots(*polynomial)})
    for start, end in zip([0.0, *ends], [*ends, math.inf], strict=True):
        inside = start + 1 if math.isinf(end) else (start + end) / 2
        if any((a * inside + b) * inside + c < 0 for a, b, c in polynomials):
            yield start, end


def _log_odds_along(customer: MeasuredCustomer, top: int, place: int) -> tuple[Array, Array, Array]:
    """l_top - l_k with its first and second derivative along one feature, each (K,)."""
    values = customer.log_joint(customer.z)
    slopes = np.array([gaussian.gradient(customer.z)[place] for gaussian in customer.gaussians])
    curvatures = np.array([-gaussian.precision[place, place] for gaussian in customer.gaussians])
    return values[top] - values, slopes[top] - slopes, curvatures[top] - curvatures


def _positive_roots(a: float, b: float, c: float) -> list[float]:
    """Where a t^2 + b t + c is zero at t > 0, by the form that loses no digits to cancellation."""
    discriminant = b * b - 4 * a * c
    if discriminant < 0:
        return []
    q = -(b + math.copysign(math.sqrt(discriminant), b)) / 2
    roots = [numerator / denominator for numerator, denominator in ((q, a), (c, q)) if denominator]
    return [float(root) for root in roots if 0 < root < math.inf]


def _values_within(feature: Feature, start: float, end: float, direction: int) -> Iterator[float]:
    """Raw values with a z from `start` on towards `end` that a customer can have, the nearest first; few are enough.

    Of a feature with a unit, multiples of it; else a hair beyond `start`. Beyond a clip nothing changes any more.
    """
    width = abs(end - start)
    for value in _candidates(feature, start + direction * min(BOUNDARY_STEP, width / 2), direction):
        beyond = (standardized(feature, value) - start) * direction
        if _is_possible(feature, value) and 0 < beyond <= width:
            yield value


def _candidates(feature: Feature, z: float, direction: int) -> list[float]:
    value = feature.raw(z)
    if not feature.resolution or not math.isfinite(value):
        return [value]
    units = value / feature.resolution
    nearest = math.floor(units) if direction > 0 else math.ceil(units)
    steps = (nearest + direction * further for further in range(3))
    # 3 cents are 0.03, not 0.030000000000000002.
    return [float(f"{step * feature.resolution:.12g}") for step in steps]


def _is_possible(feature: Feature, value: float) -> bool:
    """Whether it is a measurement, and for a share whether it is one; a ratio of two lies between their floors."""
    if feature.floor is not None:
        return feature.floor <= value <= 1 / feature.floor
    if feature.feature.startswith("share_"):
        return 0 <= value <= 1
    return abs(value) <= LARGEST_MEASURE


def _is_usual(feature: Feature, value: float) -> bool:
    """Whether the column's value is between those of the first and the last percent of customers, where known."""
    low, high = (feature.quantiles.get(share) for share in USUAL)
    return (low is None or low <= value) and (high is None or value <= high)
