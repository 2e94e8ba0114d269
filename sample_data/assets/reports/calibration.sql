/* upriver:
description: One row per tenth of probability, with what the model said and what happened.
tags: [reports]
owner: operations
*/
with scores as (
    select
        -- Four exact digits, so that the average does not depend on the order of the rows.
        cast(probability as decimal(5, 4)) as probability,
        late
    from models.late_arrival_scores
)

select
    floor(probability * 10) / 10 as at_least,
    count(*) as flights,
    round(avg(probability), 4) as predicted_share,
    round(count(*) filter (where late) / count(*), 4) as observed_share
from scores
group by at_least
