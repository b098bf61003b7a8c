"""Why one customer is in a segment, and what would have to change: `seg_customer_reasons` in arrays, for a person.

With l_k the log joint density of component k over the features that were measured, a the segment, b the runner-up, z
the customer and r the midpoint of the two means, the log odds f = l_a - l_b are quadratic and

    phi_i = (z_i - r_i) d_i f((z + r) / 2),      f(r) + sum_i phi_i = f(z)

is the exact Shapley value of every feature (`docs/reasons.md`). Along one feature, l_a - l_k is a quadratic of the
step, so where the customer would leave the segment is found by its roots, not by a search.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import softmax

from warehouse_seg.model.feature import Feature
from warehouse_seg.model.gaussian import WeightedGaussian
from warehouse_seg.model.segment_model import SegmentModel
from warehouse_seg.model.transforms import LARGEST_MEASURE
from warehouse_seg.segments.naming import typical_value

Array = NDArray[np.float64]

BOUNDARY_STEP = 1e-6
"""So many standard deviations beyond the boundary a value without a unit is reported: there the segment is another."""


@dataclass(frozen=True)
class Membership:
    """One segment and the probability that the customer belongs to it."""

    segment_key: str
    segment_name: str
    membership: float


@dataclass(frozen=True)
class Contribution:
    """One measured feature's part of the log odds.

    reference: what a ratio's feature is divided by, None for a plain feature; value and midpoint are then ratios
    value, midpoint: the customer's value and the typical one halfway between the two segments, in the raw unit
    direction: "high" or "low", the side of the midpoint that the customer is on
    log_odds: the Shapley value; above 0 it speaks for the segment, below for the runner-up
    """

    feature: str
    reference: str | None
    value: float
    midpoint: float
    direction: str
    log_odds: float


@dataclass(frozen=True)
class Change:
    """A value of one feature at which, all others left alone, the customer would be in another segment.

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


@dataclass(frozen=True)
class Explanation:
    """Memberships of all segments, the largest first; the reasons; the nearest way out.

    runner_up_segment_key, log_odds, base_log_odds: None where the model has one segment; then there are no reasons
    contributions: of every measured feature, what speaks most for the segment first
    nearest_change: None where no change of a single feature leads elsewhere
    """

    memberships: list[Membership]
    segment_key: str
    runner_up_segment_key: str | None
    log_odds: float | None
    base_log_odds: float | None
    contributions: list[Contribution]
    missing_features: list[str]
    nearest_change: Change | None


def explain(model: SegmentModel, columns: Mapping[str, float]) -> Explanation:
    """Why the customer with these raw values is where it is.

    columns: every one of the model's columns, NaN where it was not measured
    """
    customer = _Customer.of(model, columns)
    log_joint = customer.log_joint(customer.z)
    top, *others = np.argsort(-log_joint, kind="stable").tolist()
    shares = softmax(log_joint)
    segments = model.components
    contributions: list[Contribution] = []
    runner_up, log_odds, base = None, None, None
    if others:
        runner_up = segments[others[0]].segment_key
        log_odds = float(log_joint[top] - log_joint[others[0]])
        base, contributions = _reasons(customer, top, others[0])
    return Explanation(
        memberships=[
            Membership(segments[k].segment_key, segments[k].segment_name, float(shares[k]))
            for k in (top, *others)
        ],
        segment_key=segments[top].segment_key,
        runner_up_segment_key=runner_up,
        log_odds=log_odds,
        base_log_odds=base,
        contributions=contributions,
        missing_features=[name for name in model.feature_names if name not in customer.names],
        nearest_change=_nearest_change(model, customer, top),
    )


@dataclass(frozen=True)
class _Customer:
    """A customer in the space of the features that were measured (D of them).

    features: those; values, z (D,): raw and standardised; densities: one for each of the K components
    """

    features: list[Feature]
    values: Array
    z: Array
    densities: list[WeightedGaussian]

    @classmethod
    def of(cls, model: SegmentModel, columns: Mapping[str, float]) -> _Customer:
        arrays = {name: np.array([columns[name]], dtype=float) for name in model.column_names}
        values = np.array([f.measured(arrays)[0] for f in model.features])
        places = np.flatnonzero(~np.isnan(values))
        features = [model.features[place] for place in places]
        z = [_standardized(f, values[place]) for f, place in zip(features, places, strict=True)]
        densities = [component.gaussian(places) for component in model.components]
        return cls(features, values[places], np.array(z, dtype=float), densities)

    @property
    def names(self) -> list[str]:
        return [feature.feature for feature in self.features]

    def log_joint(self, z: Array) -> Array:
        """Of every component at a place, (K,)."""
        return np.array([density.log_joint_at(z) for density in self.densities])

    def top_with(self, place: int, value: float) -> int:
        """Which component is the top one where one feature has another raw value."""
        z = self.z.copy()
        z[place] = _standardized(self.features[place], value)
        return int(np.argmax(self.log_joint(z)))


# ------------------------------------------------------------------------------------------------ reasons


def _reasons(customer: _Customer, top: int, runner_up: int) -> tuple[float, list[Contribution]]:
    """The log odds at the midpoint, and what every feature adds to them."""
    ours, theirs = customer.densities[top], customer.densities[runner_up]
    midpoint = (ours.mean + theirs.mean) / 2
    halfway = (customer.z + midpoint) / 2
    log_odds = (customer.z - midpoint) * (ours.gradient(halfway) - theirs.gradient(halfway))
    contributions = [
        Contribution(
            feature.feature,
            feature.reference,
            float(customer.values[i]),
            typical_value(feature, float(midpoint[i])),
            "high" if customer.z[i] > midpoint[i] else "low",
            float(log_odds[i]),
        )
        for i, feature in enumerate(customer.features)
    ]
    ranked = sorted(contributions, key=lambda contribution: -contribution.log_odds)
    return ours.log_joint_at(midpoint) - theirs.log_joint_at(midpoint), ranked


# ------------------------------------------------------------------------------------- the nearest change


def _nearest_change(model: SegmentModel, customer: _Customer, top: int) -> Change | None:
    """The smallest of the changes that the features allow; of equal ones that of the first feature."""
    ways = [
        (abs(_standardized(feature, value) - customer.z[place]), place, value)
        for place, feature in enumerate(customer.features)
        for direction in (-1, 1)
        for value in _ways_out(customer, top, place, direction)
    ]
    if not ways:
        return None
    distance, place, value = min(ways)
    segment, feature = model.components[customer.top_with(place, value)], customer.features[place]
    return Change(
        feature.feature,
        feature.reference,
        float(customer.values[place]),
        value,
        float(distance),
        segment.segment_key,
        segment.segment_name,
    )


def _ways_out(customer: _Customer, top: int, place: int, direction: int) -> Iterator[float]:
    """The values nearest in this direction at which the top segment is another: the nearest one is among them."""
    feature, z = customer.features[place], customer.z[place]
    for start, end in _stretches(customer, top, place, direction):
        for value in _values_within(feature, z + direction * start, z + direction * end, direction):
            if customer.top_with(place, value) != top:
                yield value
                return


def _stretches(
    customer: _Customer, top: int, place: int, direction: int
) -> Iterator[tuple[float, float]]:
    """Intervals of t > 0 at which some segment has a larger density than the top one at z + direction t e_i, in order.

    l_top - l_k = lead + slope t + bend t^2 / 2 exactly; its roots are where k overtakes and where it falls back.
    """
    lead, slope, bend = _along(customer, top, place)
    others = [k for k in range(len(lead)) if k != top]
    polynomials = [(bend[k] / 2, direction * slope[k], lead[k]) for k in others]
    ends = sorted({root for polynomial in polynomials for root in _positive_roots(*polynomial)})
    for start, end in zip([0.0, *ends], [*ends, math.inf], strict=True):
        inside = start + 1 if math.isinf(end) else (start + end) / 2
        if any((a * inside + b) * inside + c < 0 for a, b, c in polynomials):
            yield start, end


def _along(customer: _Customer, top: int, place: int) -> tuple[Array, Array, Array]:
    """l_top - l_k with its first and second derivative along one feature, each (K,)."""
    values = customer.log_joint(customer.z)
    slopes = np.array([density.gradient(customer.z)[place] for density in customer.densities])
    bends = np.array([-density.precision[place, place] for density in customer.densities])
    return values[top] - values, slopes[top] - slopes, bends[top] - bends


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
        beyond = (_standardized(feature, value) - start) * direction
        if _can_be_had(feature, value) and 0 < beyond <= width:
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


def _can_be_had(feature: Feature, value: float) -> bool:
    """Whether it is a measurement, and for a share whether it is one; a ratio of two lies between their floors."""
    if feature.floor is not None:
        return feature.floor <= value <= 1 / feature.floor
    if feature.feature.startswith("share_"):
        return 0 <= value <= 1
    return abs(value) <= LARGEST_MEASURE


def _standardized(feature: Feature, value: float) -> float:
    return float(feature.standardized(np.array([value]))[0])
