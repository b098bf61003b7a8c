"""Names that people give to segments by key: the variable `segment_names`.

A name belongs to a key, and no new segment ever gets a key that is named already (`segments/matching.py`): a name that
was given too early, or to a retired segment, falls on nobody. `dbt build` warns of it in the same words
(`macros/settings/seg_segment_names.sql`).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from warehouse_seg.errors import UsageError
from warehouse_seg.model.segment_model import SegmentModel


def with_given_names(model: SegmentModel, names: Mapping[str, str]) -> SegmentModel:
    """The model with the names that people gave to its segments.

    names: segment key → name
    Raises UsageError where another segment has such a name already, as `dbt build` refuses it.
    """
    shown = {c.segment_key: names.get(c.segment_key, c.segment_name) for c in model.components}
    for key in names:
        for other, name in shown.items():
            if key in shown and other != key and name == shown[key]:
                raise UsageError(
                    f"the variable `segment_names` names {key} '{name}', and {other} has that name as well. Names of "
                    "segments must differ: change one of them in `vars: warehouse_seg: segment_names:`"
                )
    components = tuple(
        component.model_copy(update={"segment_name": shown[component.segment_key]})
        for component in model.components
    )
    return model.model_copy(update={"components": components})


def unknown_keys_warning(model: SegmentModel, names: Iterable[str]) -> str | None:
    """What to know where names are given to keys that the model does not have; None where all are known.

    names: the keys that people named
    """
    own = [component.segment_key for component in model.components]
    unknown = [key for key in names if key not in own]
    if not unknown:
        return None
    return (
        f"the variable `segment_names` names {', '.join(unknown)}, which the model does not have. Its segments are "
        f"{', '.join(own)}. No later segment gets a key that is named already or was ever used"
    )
