"""Segments that keep their identity: a new model's segments matched to the active one's.

Two kinds of evidence. All customers, scored under both models in the warehouse, say who moved where; where both models
stand in the same feature space, the closed-form affinity of the Gaussians says which components are the same shape. An
optimal assignment on both together finds the pairs; shares of customers give each new segment its verdict:

    kept      most of its customers come from one old segment, and most of that one's customers came along
    split     one of several parts of an old segment
    merged    made of several old segments that went into it
    new       of no old segment
    retired   an old segment that no new one continues

A `segment_key` follows the customers and is never used again for others.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import count
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import linear_sum_assignment

from warehouse_seg.model.segment_matching import SegmentMatch, SegmentMatching, Verdict
from warehouse_seg.model.segment_model import SegmentModel
from warehouse_seg.segments.naming import named
from warehouse_seg.sql.rendering import render_statement

Array = NDArray[np.float64]

MOST = 0.5
SAME_SHAPE = 0.9
PART = 0.2
"""Below a fifth of a segment, movement is noise of a refit and no part of its own."""


def same_feature_space(old: SegmentModel, new: SegmentModel) -> bool:
    """Whether standardised values of both models mean the same."""
    return [f.to_macro() for f in old.features] == [f.to_macro() for f in new.features]


def affinities(old: SegmentModel, new: SegmentModel) -> Array:
    """Bhattacharyya coefficients of all pairs of components, (K_old, K_new), from 0 (apart) to 1 (equal).

    exp(-D) with D = 1/8 d' S^-1 d + 1/2 ln(det S / sqrt(det S_1 det S_2)), S = (S_1 + S_2) / 2, d = m_1 - m_2.
    """
    return np.array(
        [
            [_affinity(a.mean, a.covariance, b.mean, b.covariance) for b in new.components]
            for a in old.components
        ]
    )


def _affinity(
    mean_1: Sequence[float],
    covariance_1: Sequence[Sequence[float]],
    mean_2: Sequence[float],
    covariance_2: Sequence[Sequence[float]],
) -> float:
    first, second = np.array(covariance_1), np.array(covariance_2)
    between = np.array(mean_1) - np.array(mean_2)
    pooled = (first + second) / 2
    quadratic = between @ np.linalg.solve(pooled, between) / 8
    determinants = [np.linalg.slogdet(matrix)[1] for matrix in (pooled, first, second)]
    return float(np.exp(-quadratic - (determinants[0] - sum(determinants[1:]) / 2) / 2))


def overlap_sql(
    old: SegmentModel,
    old_features: str,
    new: SegmentModel,
    new_features: str,
    dialect: str,
    *,
    old_patterns: Sequence[Sequence[str]] = (),
    new_patterns: Sequence[Sequence[str]] = (),
) -> str:
    """The query of `previous_segment_key`, `segment_key`, `customers`: everybody's top segments under both models.

    old_features, new_features: the wide features, each with the categories of its model, as selects
    old_patterns, new_patterns: the sets of missing features that occur in them
    """
    return render_statement(
        "segment_overlap",
        previous=old.to_macro(old_patterns),
        previous_features=old_features,
        model=new.to_macro(new_patterns),
        features=new_features,
        dialect=dialect,
    )


def overlap_table(old: SegmentModel, new: SegmentModel, rows: Iterable[Mapping[str, Any]]) -> Array:
    """The rows of `overlap_sql` as customers by old segment (rows) and new segment (columns), (K_old, K_new)."""
    places = [
        {component.segment_key: k for k, component in enumerate(model.components)}
        for model in (old, new)
    ]
    table = np.zeros((len(places[0]), len(places[1])))
    for row in rows:
        place = places[0][row["previous_segment_key"]], places[1][row["segment_key"]]
        table[place] = row["customers"]
    return table


def match_segments(
    old: SegmentModel,
    new: SegmentModel,
    overlap: Array,
    used_keys: Iterable[str] = (),
    columns: dict[str, Array] | None = None,
) -> SegmentMatching:
    """Give the new model's segments the identity that their customers had.

    overlap: customers by old segment (rows) and new segment (columns), (K_old, K_new)
    used_keys: every key that was ever given out
    columns: raw columns (n,) of the customers that the new model was fitted on, for the names of its new segments
    """
    affinity = affinities(old, new) if same_feature_space(old, new) else None
    evidence = _Evidence(overlap, affinity)
    old_keys = [component.segment_key for component in old.components]
    assignment = evidence.assignment()
    fresh = _fresh_keys([*old_keys, *used_keys])
    keys = [
        old_keys[assignment[j]] if j in assignment else next(fresh) for j in range(overlap.shape[1])
    ]
    matches = [evidence.match(j, keys[j], old_keys, assignment.get(j)) for j in range(len(keys))]
    matches += [evidence.retirement(k, old_keys[k]) for k in evidence.without_heir(assignment)]
    kept = {k: float(evidence.of_previous[k, j]) for j, k in assignment.items()}
    return SegmentMatching(
        model=_with_identity(old, new, keys, columns),
        previous_model_version=old.model_version,
        matches=tuple(matches),
        kept_share=float(sum(overlap[k, j] for j, k in assignment.items()) / max(overlap.sum(), 1)),
        kept_shares={key: kept.get(k, 0.0) for k, key in enumerate(old_keys)},
    )


def with_new_keys(model: SegmentModel, used_keys: Iterable[str]) -> SegmentModel:
    """The model with keys that were never given out, for segments that continue none."""
    fresh = _fresh_keys(used_keys)
    components = tuple(
        component.model_copy(update={"segment_key": next(fresh)}) for component in model.components
    )
    return model.model_copy(update={"components": components})


@dataclass(frozen=True)
class _Evidence:
    """Who moved where (K_old, K_new), and which Gaussians are alike, where that can be asked."""

    overlap: Array
    affinity: Array | None

    @property
    def of_previous(self) -> Array:
        """What share of an old segment went into a new one."""
        share: Array = self.overlap / np.maximum(self.overlap.sum(axis=1, keepdims=True), 1)
        return share

    @property
    def of_segment(self) -> Array:
        """What share of a new segment came from an old one."""
        share: Array = self.overlap / np.maximum(self.overlap.sum(axis=0, keepdims=True), 1)
        return share

    def assignment(self) -> dict[int, int]:
        """New segment → the old one whose key it inherits: the optimal assignment, where the evidence is enough."""
        together = self.overlap.sum(axis=0) + self.overlap.sum(axis=1)[:, None] - self.overlap
        score = self.overlap / np.maximum(together, 1)
        if self.affinity is not None:
            score = (score + self.affinity) / 2
        pairs = zip(*linear_sum_assignment(-score), strict=True)
        return {int(j): int(k) for k, j in pairs if self._continues(int(k), int(j))}

    def _continues(self, k: int, j: int) -> bool:
        """Whether new segment j goes on as old segment k: customers say so, or the Gaussian is the same."""
        unchanged = self.affinity is not None and self.affinity[k, j] >= SAME_SHAPE
        followed = self.of_previous[k, j] >= MOST or self.of_segment[k, j] >= MOST
        return bool(unchanged or (followed and self.of_previous[k, j] >= PART))

    def match(self, j: int, key: str, old_keys: Sequence[str], heir_of: int | None) -> SegmentMatch:
        """The verdict on one new segment, beside the old one that it continues, else that most of it came from."""
        k = int(self.of_segment[:, j].argmax()) if heir_of is None else heir_of
        verdict = self._verdict(k, j, is_heir=heir_of is not None)
        return SegmentMatch(
            verdict=verdict,
            segment_key=key,
            previous_segment_key=None if verdict == "new" else old_keys[k],
            **self._figures(k, j),
        )

    def retirement(self, k: int, key: str) -> SegmentMatch:
        """An old segment that no new one continues, and where most of its customers went."""
        j = int(self.of_previous[k].argmax())
        return SegmentMatch("retired", None, key, **self._figures(k, j))

    def without_heir(self, assignment: dict[int, int]) -> list[int]:
        """Old segments whose key nobody inherits."""
        return [k for k in range(len(self.overlap)) if k not in assignment.values()]

    def _verdict(self, k: int, j: int, *, is_heir: bool) -> Verdict:
        unchanged = self.affinity is not None and self.affinity[k, j] >= SAME_SHAPE
        contributors = (self.of_previous[:, j] >= MOST) & (self.of_segment[:, j] >= PART)
        if contributors.sum() > 1:
            return "merged"
        whole = self.of_previous[k, j] >= 1 - PART and self.of_segment[k, j] >= MOST
        if is_heir and (unchanged or whole):
            return "kept"
        if self._is_part(k, j):
            return "split"
        if is_heir:
            return "kept"
        return "split" if self.of_previous[k, j] >= MOST else "new"

    def _is_part(self, k: int, j: int) -> bool:
        """One of several new segments made of old segment k, where k itself does not go on unchanged."""
        if self.affinity is not None and (self.affinity[k] >= SAME_SHAPE).any():
            return False
        parts = (self.of_previous[k] >= PART) & (self.of_segment[k] >= MOST)
        return bool(parts[j] and parts.sum() > 1)

    def _figures(self, k: int, j: int) -> dict[str, Any]:
        return {
            "customers": int(self.overlap[k, j]),
            "share_of_previous": float(self.of_previous[k, j]),
            "share_of_segment": float(self.of_segment[k, j]),
            "affinity": None if self.affinity is None else float(self.affinity[k, j]),
        }


def _fresh_keys(used: Iterable[str]) -> Iterator[str]:
    """s1, s2, …, after the greatest number that was ever used."""
    numbers = [int(key[1:]) for key in used if key[:1] == "s" and key[1:].isdigit()]
    return (f"s{number}" for number in count(max(numbers, default=0) + 1))


def _with_identity(
    old: SegmentModel, new: SegmentModel, keys: Sequence[str], columns: dict[str, Array] | None
) -> SegmentModel:
    """The new model with these keys; an inherited key brings its name along, other names stay apart from those."""
    names = {component.segment_key: component.segment_name for component in old.components}
    components = tuple(
        component.model_copy(update={"segment_key": key})
        for key, component in zip(keys, new.components, strict=True)
    )
    inherited = {key: names[key] for key in keys if key in names}
    return named(new.model_copy(update={"components": components}), columns, inherited)
