"""How often types of customers are found whose orders lie in time: `python -m tools.evidence.recovery_in_time`.

Four planted types, feature sets competing, the model chosen by what it predicts.
"""

from __future__ import annotations

import numpy as np
from sklearn.metrics import adjusted_rand_score

from tests.recovery.planted_orders import SHARES, planted_orders
from tools.evidence.recovery import SETTINGS
from tools.evidence.tables import heading, show, table, tell
from warehouse_seg.evaluation.choice_window import ChoiceWindow
from warehouse_seg.features.feature_sets import order_history_sets
from warehouse_seg.mixture.predictive_fit import fit_by_prediction

CUSTOMERS = 5_000
SEEDS = range(1, 11)


def recovered(seed: int) -> tuple[int, float]:
    """Plant orders in time, choose by what segments predict: how many segments, and their agreement with the types."""
    shop = planted_orders(CUSTOMERS, seed)
    sets = order_history_sets(shop.sample)
    criterion = ChoiceWindow(shop.time_split.first, SETTINGS.seed)
    model = fit_by_prediction(shop.sample, sets, SETTINGS, criterion)
    segments = model.log_joint(shop.sample.columns).argmax(axis=1)
    tell((seed, len(model.components)))
    return len(model.components), adjusted_rand_score(shop.types, segments)


def main() -> None:
    """Print the table."""
    note = f"Seeds {SEEDS[0]} to {SEEDS[-1]}; {CUSTOMERS:,} customers of {len(SHARES)} types."
    show(heading("Planted types as orders in time, chosen by what they predict", note))
    results = [recovered(seed) for seed in SEEDS]
    rows = (
        (seed, segments, f"{agreement:.3f}")
        for seed, (segments, agreement) in zip(SEEDS, results, strict=True)
    )
    show(table(("seed", "segments", "adjusted Rand index with the types"), rows))
    right = sum(segments == len(SHARES) for segments, _ in results)
    mean = np.mean([agreement for _, agreement in results])
    show(
        f"The right number in {right} of {len(SEEDS)} shops, adjusted Rand index {mean:.3f} on average.\n"
    )


if __name__ == "__main__":
    main()
