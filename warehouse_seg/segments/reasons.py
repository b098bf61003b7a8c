"""What every feature adds to the log odds of two segments.

With l_k the log joint density of component k over the features that were measured, a the segment, b the runner-up, z
the customer and r the midpoint of the two means, the log odds f = l_a - l_b are quadratic and

    phi_i = (z_i - r_i) d_i f((z + r) / 2),      f(r) + sum_i phi_i = f(z)

is the exact Shapley value of every feature (`docs/explanation/reasons.md`).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from warehouse_seg.segments.measured_customer import MeasuredCustomer
from warehouse_seg.segments.traits import typical_value


@dataclass(frozen=True)
class Contribution:
    """One measured feature's part of the log odds.

    reference: what a ratio's feature is divided by, None for a plain feature; value and midpoint are then ratios
    value, midpoint: the customer's value and the typical one halfway between the two segments, in the raw unit
    direction: the side of the midpoint that the customer is on
    log_odds: the Shapley value; above 0 it speaks for the segment, below for the runner-up
    """

    feature: str
    reference: str | None
    value: float
    midpoint: float
    direction: Literal["high", "low"]
    log_odds: float


def reasons(
    customer: MeasuredCustomer, top: int, runner_up: int
) -> tuple[float, list[Contribution]]:
    """The log odds of two components at the midpoint, and what every feature adds to them, the largest first."""
    first, second = customer.gaussians[top], customer.gaussians[runner_up]
    midpoint = (first.mean + second.mean) / 2
    halfway = (customer.z + midpoint) / 2
    log_odds = (customer.z - midpoint) * (first.gradient(halfway) - second.gradient(halfway))
    contributions = [
        Contribution(
            feature=feature.feature,
            reference=feature.reference,
            value=float(customer.values[i]),
            midpoint=typical_value(feature, float(midpoint[i])),
            direction="high" if customer.z[i] > midpoint[i] else "low",
            log_odds=float(log_odds[i]),
        )
        for i, feature in enumerate(customer.features)
    ]
    ranked = sorted(contributions, key=lambda contribution: -contribution.log_odds)
    return first.log_joint_at(midpoint) - second.log_joint_at(midpoint), ranked
