/* upriver:
description: One row per airport and day with cancelled flights.
tags: [marts]
owner: operations
columns:
  flight_date: {type: DATE, not_null: true}
  origin: {type: VARCHAR, accepted_values: [EWR, JFK, LGA]}
  cancelled_flights: {type: BIGINT, range: {min: 1}}
checks:
  - unique: [flight_date, origin]
*/
-- Only the cancelled flights are read: a corrected delay of a flight that flew rebuilds nothing here.
select
    flight_date,
    origin,
    count(*) as cancelled_flights,
    count(distinct carrier) as carriers
from staging.flights
where cancelled
group by flight_date, origin
