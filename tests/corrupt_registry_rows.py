"""What a hand, or somebody else's program, may have written into the registry: statements that spoil one version.

Python and dbt read the same tables; each must refuse each of these with one clear error, and run nothing of it.
"""

from __future__ import annotations

REGISTRY, VERSION = "@registry", "@version"


def set_exact(table: str, name: str, text: str) -> str:
    """The statement that puts `text` for one of the numbers that are kept exact."""
    return (
        f"update @registry.{table} set exact_values = "
        f'json_merge_patch(exact_values, \'{{"{name}": "{text}"}}\') where model_version = @version'
    )


def update(table: str, change: str) -> str:
    return f"update @registry.{table} set {change} where model_version = @version"


def twice(table: str) -> str:
    return f"insert into @registry.{table} from @registry.{table} where model_version = @version"


def without(table: str, rows: str) -> str:
    return f"delete from @registry.{table} where model_version = @version and {rows}"


CORRUPTIONS = {
    "a control character in a feature's name": update(
        "seg_model_features", "feature = 'a' || chr(7)"
    ),
    "a line break in a feature's name": update("seg_model_features", "feature = 'a' || chr(10)"),
    "a feature without a name": update("seg_model_features", "feature = null"),
    "two features of one name": update("seg_model_features", "feature = 'twice'"),
    "an unknown transform": update("seg_model_features", "transform = 'ln(1) or 1=1'"),
    "no transform": update("seg_model_features", "transform = null"),
    "a scale of zero": set_exact("seg_model_features", "scale", "0e0"),
    "SQL for a number": set_exact("seg_model_features", "center", "1e0) or 1=1"),
    "SQL behind a number": set_exact(
        "seg_model_features", "center", "1e0\\n; drop table raw.order_lines"
    ),
    "an infinite number": set_exact("seg_model_features", "center", "1e999"),
    "a number that is none": set_exact("seg_model_features", "center", "nan"),
    "a clip that is text": set_exact("seg_model_features", "clip_low", "low"),
    "SQL for a weight": set_exact(
        "seg_model_components", "weight", "1e0; drop table raw.order_lines"
    ),
    "JSON that is no JSON": update("seg_model_features", "exact_values = 'center=1'"),
    "JSON of another kind": update("seg_model_features", "exact_values = '[]'"),
    "no JSON": update("seg_model_components", "mean = null"),
    "weights that sum to more than one": set_exact("seg_model_components", "weight", "9e-1"),
    "a weight of zero": set_exact("seg_model_components", "weight", "0e0"),
    "a negative weight": set_exact("seg_model_components", "weight", "-5e-1"),
    "another log_norm": set_exact("seg_model_components", "log_norm", "5.0e1"),
    "a negative diagonal": update(
        "seg_model_components",
        "precision_cholesky = replace(precision_cholesky, '[[\"', '[[\"-')",
    ),
    "a number below the diagonal": update(
        "seg_model_components",
        "precision_cholesky = replace(precision_cholesky, '[\"0.0e0\"', '[\"1.0e0\"')",
    ),
    "another mean": update("seg_model_components", "mean = replace(mean, '[\"', '[\"1')"),
    "another covariance": update(
        "seg_model_components", "covariance = replace(covariance, '[[\"', '[[\"1')"
    ),
    "another center": set_exact("seg_model_features", "center", "1.25e0"),
    "another scale": set_exact("seg_model_features", "scale", "7.5e-1"),
    "another clip": set_exact("seg_model_features", "clip_high", "1.25e5"),
    "another known transform": update(
        "seg_model_features", "transform = 'identity', reference = null"
    ),
    "another feature's name": update("seg_model_features", "feature = feature || '_net'"),
    "another threshold": update(
        "seg_models", 'exact_values = \'{"outlier_log_density": "1.5e1"}\''
    ),
    "another column of a category": update(
        "seg_model_categories", "column_suffix = column_suffix || '9'"
    ),
    "another category": update("seg_model_categories", "category = category || ' '"),
    "another fingerprint": update("seg_models", "fingerprint = '0123456789abcdef'"),
    "no fingerprint": update("seg_models", "fingerprint = null"),
    "a mean too short": update("seg_model_components", "mean = '[\"1e0\"]'"),
    "a mean that is text": update("seg_model_components", "mean = '\"1e0\"'"),
    "a matrix that is a vector": update("seg_model_components", "precision_cholesky = mean"),
    "SQL in a mean": update(
        "seg_model_components",
        "mean = replace(mean, '[\"', '[\"1e0); drop table raw.order_lines; --')",
    ),
    "a quote in a segment's key": update("seg_model_components", "segment_key = 's''\"'"),
    "SQL for a segment's key": update("seg_model_components", "segment_key = 's1, 1 as x'"),
    "two segments of one key": update("seg_model_components", "segment_key = 's1'"),
    "a segment without a name": update("seg_model_components", "segment_name = ''"),
    "a quote in a column's end": update("seg_model_categories", "column_suffix = 'a\"b'"),
    "a feature lost": without("seg_model_features", "position = 2"),
    "a segment lost": without("seg_model_components", "component = 1"),
    "all features lost": without("seg_model_features", "true"),
    "the model's row lost": without("seg_models", "true"),
    "a model twice": twice("seg_models"),
    "features twice": twice("seg_model_features"),
    "a threshold that is text": update(
        "seg_models", 'exact_values = \'{"outlier_log_density": "low"}\''
    ),
    "no threshold": update("seg_models", "exact_values = '{}'"),
}


def corrupting(harm: str, registry: str, version: int) -> str:
    """The statement for a registry's schema and a version."""
    return harm.replace(REGISTRY, registry).replace(VERSION, str(version))
