"""Why one customer is in a segment, and what would have to change: `seg_customer_reasons` in arrays, for a person."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from warehouse_seg.model.gaussian import memberships_of
from warehouse_seg.model.segment_model import SegmentModel
from warehouse_seg.segments.measured_customer import MeasuredCustomer
from warehouse_seg.segments.nearest_change import Change, nearest_change
from warehouse_seg.segments.reasons import Contribution, reasons


@dataclass(frozen=True)
class Membership:
    """One segment and the probability that the customer belongs to it."""

    segment_key: str
    segment_name: str
    membership: float


@dataclass(frozen=True)
class Explanation:
    """Memberships of all segments, the largest first; the reasons; the nearest change to another segment.

    runner_up_segment_key, log_odds, base_log_odds: None where the model has one segment; then there are no reasons
    contributions: of every measured feature, the strongest reason for the segment first
    nearest_change: None where no change of a single feature, to a value that customers have, leads to another
        segment
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
    """Why the customer with these raw values is in its segment.

    columns: every one of the model's columns, NaN where nothing was measured
    """
    customer = MeasuredCustomer.of(model, columns)
    log_joint = customer.log_joint(customer.z)
    top, *others = np.argsort(-log_joint, kind="stable").tolist()
    memberships = memberships_of(log_joint)
    segments = model.components
    contributions: list[Contribution] = []
    runner_up, log_odds, base = None, None, None
    if others:
        runner_up = segments[others[0]].segment_key
        log_odds = float(log_joint[top] - log_joint[others[0]])
        base, contributions = reasons(customer, top, others[0])
    return Explanation(
        memberships=[
            Membership(segments[k].segment_key, segments[k].segment_name, float(memberships[k]))
            for k in (top, *others)
        ],
        segment_key=segments[top].segment_key,
        runner_up_segment_key=runner_up,
        log_odds=log_odds,
        base_log_odds=base,
        contributions=contributions,
        missing_features=[name for name in model.feature_names if name not in customer.names],
        nearest_change=nearest_change(model, customer, top),
    )
