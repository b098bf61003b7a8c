"""Segments that keep their identity: a new model's segments matched to the active one's.

Two kinds of evidence. All customers, scored under both models in the warehouse, say who moved where
(`segments/overlap.py`); where both models stand in the same feature space, the closed-form affinity of the Gaussians
says which components are the same shape (`segments/affinity.py`). An optimal assignment on both together finds the
pairs, and shares of customers give each new segment its verdict (`segments/evidence.py`).

A `segment_key` follows the customers and is never used again for others. Nor does a new segment get a key that people
have named before it was there: the name was meant for another.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from itertools import count

import numpy as np
from numpy.typing import NDArray

from warehouse_seg.model.segment_matching import SegmentMatching
from warehouse_seg.model.segment_model import SegmentModel
from warehouse_seg.segments.affinity import affinities, same_feature_space
from warehouse_seg.segments.evidence import Evidence
from warehouse_seg.segments.naming import named

Array = NDArray[np.float64]


def match_segments(
    old: SegmentModel,
    new: SegmentModel,
    overlap: Array,
    used_keys: Iterable[str] = (),
    named_keys: Collection[str] = (),
    *,
    columns: Mapping[str, Array] | None = None,
    weights: Array | None = None,
) -> SegmentMatching:
    """Give the new model's segments the identity that their customers had.

    overlap: customers by old segment (rows) and new segment (columns), (K_old, K_new)
    used_keys: every key that was ever given out; named_keys: keys that people have given names to
    columns: raw columns (n,) of the customers that the new model was fitted on, for the names of its new segments
    weights (n,): how many customers each of those rows stands for; None where each is itself
    """
    affinity = affinities(old, new) if same_feature_space(old, new) else None
    evidence = Evidence(overlap, affinity)
    old_keys = [component.segment_key for component in old.components]
    assignment = evidence.assignment()
    fresh = _fresh_keys([*old_keys, *used_keys], named_keys)
    keys = [
        old_keys[assignment[j]] if j in assignment else next(fresh) for j in range(overlap.shape[1])
    ]
    matches = [evidence.match(j, keys[j], old_keys, assignment.get(j)) for j in range(len(keys))]
    matches += [evidence.retirement(k, old_keys[k]) for k in evidence.unassigned(assignment)]
    kept = {k: float(evidence.of_previous[k, j]) for j, k in assignment.items()}
    return SegmentMatching(
        model=named(_with_keys(new, keys), columns, _inherited_names(old, keys), weights),
        previous_model_version=old.model_version,
        matches=tuple(matches),
        kept_share=float(sum(overlap[k, j] for j, k in assignment.items()) / max(overlap.sum(), 1)),
        kept_shares={key: kept.get(k, 0.0) for k, key in enumerate(old_keys)},
    )


def with_new_keys(
    model: SegmentModel, used_keys: Iterable[str], named_keys: Collection[str] = ()
) -> SegmentModel:
    """The model with keys that were never given out or named, for segments that continue none."""
    fresh = _fresh_keys(used_keys, named_keys)
    return _with_keys(model, [next(fresh) for _ in model.components])


def _with_keys(model: SegmentModel, keys: Sequence[str]) -> SegmentModel:
    components = tuple(
        component.model_copy(update={"segment_key": key})
        for key, component in zip(keys, model.components, strict=True)
    )
    return model.model_copy(update={"components": components})


def _inherited_names(old: SegmentModel, keys: Sequence[str]) -> dict[str, str]:
    """Key → name of the old segments whose key is among these."""
    names = {component.segment_key: component.segment_name for component in old.components}
    return {key: names[key] for key in keys if key in names}


def _fresh_keys(used: Iterable[str], reserved: Collection[str]) -> Iterator[str]:
    """s1, s2, …, after the greatest number that was ever used, without the reserved ones."""
    numbers = [int(key[1:]) for key in used if key[:1] == "s" and key[1:].isdigit()]
    keys = (f"s{number}" for number in count(max(numbers, default=0) + 1))
    return (key for key in keys if key not in reserved)
