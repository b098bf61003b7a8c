"""What became of every segment from one model version to the next, as the registry keeps it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from warehouse_seg.model.segment_model import SegmentModel

Verdict = Literal["kept", "split", "merged", "new", "retired"]


@dataclass(frozen=True)
class SegmentMatch:
    """What became of a segment.

    segment_key: of the new model, None where the old one was retired
    previous_segment_key: the old segment it is compared with, None where it is of none
    customers: how many are in both; share_of_previous, share_of_segment: what part of either that is
    affinity: of the two Gaussians, 0 to 1; None across feature spaces
    """

    verdict: Verdict
    segment_key: str | None
    previous_segment_key: str | None
    customers: int
    share_of_previous: float
    share_of_segment: float
    affinity: float | None

    def __str__(self) -> str:
        """The verdict in words, for progress and logs."""
        if self.verdict == "new":
            return f"{self.segment_key} is new"
        if self.verdict == "retired":
            return f"{self.previous_segment_key} is retired"
        source = {"kept": "kept", "split": "split from", "merged": "merged from several, mostly"}
        return (
            f"{self.segment_key}: {source[self.verdict]} {self.previous_segment_key} "
            f"({self.share_of_previous:.0%} of its customers, {self.share_of_segment:.0%} of the new segment)"
        )


@dataclass(frozen=True)
class SegmentMatching:
    """The new model with its keys and names, what became of every segment, and who keeps theirs.

    kept_share: share of all customers that keep their segment; kept_shares: of each old segment's, by its key
    """

    model: SegmentModel
    previous_model_version: int
    matches: tuple[SegmentMatch, ...]
    kept_share: float
    kept_shares: Mapping[str, float]
