"""Plain-language names and one-sentence descriptions for the segments of a model, from what sets each apart."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from warehouse_seg.model.segment_model import SegmentModel
from warehouse_seg.segments.descriptions import describe
from warehouse_seg.segments.names import distinct_names
from warehouse_seg.segments.traits import by_distance, category_traits, traits

Array = NDArray[np.float64]


def named(
    model: SegmentModel,
    columns: Mapping[str, Array] | None = None,
    inherited: Mapping[str, str] | None = None,
    weights: Array | None = None,
) -> SegmentModel:
    """The model with a name and a description for every segment, each name once.

    columns: raw columns (n,) of the customers that it was fitted on, for the categories that they buy
    inherited: segment_key → name of the segments that keep the name they have; the others stay apart from those
    weights (n,): how many customers each row stands for; None where each is itself
    """
    categories = category_traits(model, columns or {}, weights)
    segments = {
        component.segment_key: by_distance([*traits(model, component), *shares])
        for component, shares in zip(model.components, categories, strict=True)
    }
    sizes = {component.segment_key: component.weight for component in model.components}
    named_by = {
        key: [trait for trait in own if not trait.is_miscellaneous] for key, own in segments.items()
    }
    names = distinct_names(named_by, inherited or {}, sizes)
    components = tuple(
        component.model_copy(
            update={
                "segment_name": names[component.segment_key],
                "description": describe(segments[component.segment_key]),
            }
        )
        for component in model.components
    )
    return model.model_copy(update={"components": components})
