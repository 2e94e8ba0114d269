/* upriver:
description: One row per airport and scheduled hour of the day, to see delays grow until the evening.
tags: [marts]
owner: operations
columns:
  scheduled_hour: {range: {min: 0, max: 23}}
  cancelled_share: {range: {min: 0, max: 1}}
checks:
  - unique: [origin, scheduled_hour]
*/
select
    origin,
    scheduled_hour,
    count(*) as flights,
    round(count(*) filter (where cancelled) / count(*), 4) as cancelled_share,
    round(avg(departure_delay), 2) as average_departure_delay
from staging.flights
group by origin, scheduled_hour
