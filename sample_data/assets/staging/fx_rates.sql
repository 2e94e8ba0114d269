/* upriver:
description: One row per calendar day and currency, with the last rate published on or before that day.
tags: [staging, finance]
owner: finance
*/
with published as (
    select
        cast(date as date) as published_on,
        currency,
        -- Exact, so that averages do not depend on the order of the rows.
        cast(per_eur as decimal(12, 5)) as per_eur
    from raw.fx_rates
),

spans as (
    select
        *,
        lead(published_on) over (partition by currency order by published_on) as replaced_on
    from published
)

-- No rates appear at weekends and on holidays: each one holds until the next.
select
    cast(
        unnest(range(published_on, coalesce(replaced_on, published_on + 1), interval 1 day)) as date
    ) as rate_date,
    currency,
    per_eur,
    published_on
from spans
