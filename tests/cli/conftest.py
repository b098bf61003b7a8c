from __future__ import annotations

from tests.shop_fixtures import command, features_shop, history_shop, scored_shop, stages

__all__ = ["command", "features_shop", "history_shop", "scored_shop", "stages"]
