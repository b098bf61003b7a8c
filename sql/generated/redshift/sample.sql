with features as (
select * from seg_customer_features
)
SELECT
  *
FROM (
  SELECT
    MD5(CAST("t0"."customer_id" AS VARCHAR) || '|1') AS "sample_key",
    CAST("t0"."customer_id" AS VARCHAR) AS "customer_id",
    CAST("t0"."recency_days" AS DOUBLE PRECISION) AS "recency_days",
    CAST("t0"."order_count" AS DOUBLE PRECISION) AS "order_count",
    CAST("t0"."spend_wine" AS DOUBLE PRECISION) AS "spend_wine"
  FROM "features" AS "t0"
) AS "t1"
ORDER BY
  "t1"."sample_key" ASC,
  "t1"."customer_id" ASC
LIMIT 20000
