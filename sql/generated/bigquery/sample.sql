with features as (
select * from seg_customer_features
)
SELECT
  *
FROM (
  SELECT
    TO_HEX(MD5(CAST(CONCAT(CAST(`t0`.`customer_id` AS STRING), '|1') AS BYTES))) AS `sample_key`,
    CAST(`t0`.`customer_id` AS STRING) AS `customer_id`,
    CAST(`t0`.`recency_days` AS FLOAT64) AS `recency_days`,
    CAST(`t0`.`order_count` AS FLOAT64) AS `order_count`,
    CAST(`t0`.`spend_wine` AS FLOAT64) AS `spend_wine`
  FROM `features` AS `t0`
) AS `t1`
ORDER BY
  `t1`.`sample_key` ASC NULLS LAST,
  `t1`.`customer_id` ASC NULLS LAST
LIMIT 20000
