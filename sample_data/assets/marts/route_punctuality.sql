/* upriver:
description: One row per route flown at least a hundred times, with how late its flights arrived.
tags: [marts]
owner: operations
columns:
  late_share: {type: DOUBLE, range: {min: 0, max: 1}}
checks:
  - row_count: {min: 100}
*/
select
    origin,
    destination,
    -- One distance per route, except that the feed moved Eagle, Colorado, by a mile on 1 March.
    max(distance_miles) as distance_miles,
    count(*) as flights,
    count(distinct carrier) as carriers,
    round(avg(arrival_delay), 2) as average_delay,
    round(count(*) filter (where arrival_delay >= 15) / count(*), 4) as late_share
from staging.flights
where arrival_delay is not null
group by origin, destination
having count(*) >= 100
