{#-
    The default of every variable, and with that the list of valid names. One JSON object, so that dbt reads it with
    `fromjson(seg_defaults())` and Python reads the same file.

    transactions         the model (a name) or source ([source, table]) with one row per order line
    columns              SQL expressions over it; `category: null` says that there are no categories
    feature_table        instead of transactions: a model or source with one row per customer and ready columns
    customer_id_type     the key's SQL type, as the warehouse has it
    extra_features       a model or source keyed by customer_id whose numeric columns join the features
    as_of_date           'YYYY-MM-DD', the exclusive end of the orders that are seen; null is the day after the last one
    timezone             the zone whose clock gives a time with a zone its day, such as Europe/Berlin
    amount_decimals      how many decimals amounts have, 0 to 10; null is those of the column's type, 4 of a double
    categories           how many of the largest categories get columns of their own
    model.features       null lets fit choose; else a list of names or of {name, transform, clip}
    model.prefer         predictive chooses features and segments by what they predict of a window that they were not
                         fitted on, where there are order lines; fit by BIC alone, on the default features
    model.segments       the numbers of segments that fit tries
    model.covariance     the covariance types that fit tries
    model.weight         a column of the features that says how many customers a row stands for; it is no feature
    model.missing_patterns  in so many combinations features may be missing; each takes a branch of the scoring SQL
    model.sample_size    customers that fit reads
    model.seed           picks the sample and the starting points
    model.min_segment_share  a candidate with a smaller segment is refused
    model.min_kept_share  a fit after which fewer customers keep their segment is refused, unless it is accepted
    tiers                least membership of the top segment (dominant), else of the second one (hybrid)
    segment_names        segment key → the name that people gave it, instead of the automatic one
    rooms                which rooms of the package are built: a room needs the ones before it. Later rooms (outcomes,
                         actions) get a key here, false by default, with their first model
    history.every        the grid of the dates that history keeps: day, week (Mondays), month or quarter (first days)
    history.keep         how many dates of the grid history keeps; null is all of them
    history.days_ahead   how many days seg_customer_next_segments looks ahead, 1 to 1000; 0 leaves it out
    reasons              false leaves out seg_customer_reasons, which costs a pass over all customers
    registry_schema      where the registry tables are; null is the target's schema
    allow_missing_model  empty score tables and a warning, instead of an error, where no model is active
    full_scan_tests      false switches off the data tests that read every order line
    seg_self_test        true switches on this package's own unit tests; for its developers
-#}
{%- macro seg_defaults() -%}
{
    "transactions": null,
    "columns": {
        "customer_id": "customer_id",
        "order_id": "order_id",
        "ordered_at": "ordered_at",
        "amount": "amount",
        "category": "category",
        "revenue": null
    },
    "feature_table": null,
    "customer_id_type": "varchar",
    "extra_features": null,
    "as_of_date": null,
    "timezone": "UTC",
    "amount_decimals": null,
    "categories": 6,
    "model": {
        "features": null,
        "prefer": "predictive",
        "segments": {"min": 2, "max": 10},
        "covariance": ["full", "tied", "diag", "spherical"],
        "weight": null,
        "missing_patterns": 32,
        "sample_size": 20000,
        "seed": 1,
        "min_segment_share": 0.02,
        "min_kept_share": 0.8
    },
    "tiers": {"dominant": 0.8, "hybrid": 0.3},
    "segment_names": {},
    "rooms": {"features": true, "scoring": true, "marts": true, "monitoring": false},
    "history": {"every": "month", "keep": null, "days_ahead": 90},
    "reasons": true,
    "registry_schema": null,
    "allow_missing_model": false,
    "full_scan_tests": true,
    "seg_self_test": false
}
{%- endmacro -%}
