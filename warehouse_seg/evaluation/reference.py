"""Agreement of the segments with a reference segmentation of the same customers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from sklearn.metrics import adjusted_rand_score, normalized_mutual_info_score

Counts = Sequence[Mapping[str, Any]]
"""Rows with `customers` and the columns that they are counted by."""


@dataclass(frozen=True)
class ReferenceAgreement:
    """The top segments beside a reference; both figures are 1 for equal groupings and 0 by chance.

    customers: those that the reference has a group for; each counts once
    """

    reference: str
    groups: int
    customers: int
    adjusted_rand: float
    normalized_mutual_information: float


def reference_agreement(reference: str, counts: Counts) -> ReferenceAgreement:
    """The agreement with one column.

    counts: customers by attribute (the reference's groups) and segment_key; customers without a group are left out
    """
    rows = [row for row in counts if row["attribute"] is not None]
    customers = [int(row["customers"]) for row in rows]
    groups, segments = (
        np.repeat([str(row[name]) for row in rows], customers)
        for name in ("attribute", "segment_key")
    )
    return ReferenceAgreement(
        reference=reference,
        groups=len(np.unique(groups)),
        customers=sum(customers),
        adjusted_rand=float(adjusted_rand_score(groups, segments)),
        normalized_mutual_information=float(normalized_mutual_info_score(groups, segments)),
    )
