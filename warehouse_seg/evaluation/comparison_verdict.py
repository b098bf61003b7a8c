"""The verdict on a comparison: whether a simpler method is enough, whether its labels are, what memberships add."""

from __future__ import annotations

from warehouse_seg.evaluation.comparison import CLEAR_MEMBERSHIP, MethodComparison, MethodResult


def verdict(comparison: MethodComparison) -> str:
    """For readers who read nothing else: the verdict that `validate` gives too, then one on labels alone."""
    return f"{comparison.simpler_methods.sentence}. {_on_labels_alone(comparison)}"


def _on_labels_alone(comparison: MethodComparison) -> str:
    """Which method is enough for who needs one label per customer."""
    mixture, *others = comparison.methods
    rivals = sorted(
        (method for method in others if method.as_good_as_mixture), key=lambda m: -m.stability
    )
    unclear = f"{comparison.unclear_share:z.0%} of these customers are not clearly in one segment"
    added = ", and ".join(
        [*_on_memberships(mixture), f"{unclear} (top membership below {CLEAR_MEMBERSHIP})"]
    )
    if not rivals:
        return (
            f"Of labels alone, one per customer, no other method's are as good as the mixture's (stability "
            f"{mixture.stability:z.2f}). The mixture also gives memberships: {added}."
        )
    listed = " and ".join(
        f"{rival.method} (stability {rival.stability:z.2f}{_on_labels(rival)})" for rival in rivals
    )
    return (
        f"Where one label per customer is enough, {listed} {'does' if len(rivals) == 1 else 'do'} as well as the "
        f"mixture's labels (stability {mixture.stability:z.2f}): take the simpler method. Only the mixture gives "
        f"memberships: {added}."
    )


def _on_memberships(mixture: MethodResult) -> list[str]:
    """Whether memberships predict more than labels do."""
    prediction = mixture.from_memberships
    if prediction is None:
        return []
    # The first source is the mixture's labels: they are worse.
    is_better = "worse" in (prediction.spend_comparison, prediction.buying_comparison)
    return ["they predict better than its labels"] if is_better else []


def _on_labels(rival: MethodResult) -> str:
    """How a rival's labels compare with the mixture's."""
    prediction = rival.from_labels
    if prediction is None:
        return ", segments as compact"
    comparisons = {prediction.spend_comparison, prediction.buying_comparison} - {None}
    if not comparisons:
        return ""
    return ", predicts better" if "worse" in comparisons else ", predicts as well"
