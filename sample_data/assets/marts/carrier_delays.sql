/* upriver:
description: One row per carrier and month, with how late its flights arrived.
tags: [marts]
owner: operations
columns:
  flight_month: {type: DATE, not_null: true}
  carrier: {type: VARCHAR, relationship: staging.airlines.carrier}
  carrier_name: {type: VARCHAR, not_null: true}
checks:
  - unique: [flight_month, carrier]
  - expression: late_flights <= flights
*/
with arrived as (
    select
        flight_month,
        carrier,
        arrival_delay
    from staging.flights
    where arrival_delay is not null
)

select
    arrived.flight_month,
    arrived.carrier,
    airlines.carrier_name,
    count(*) as flights,
    -- Fifteen minutes is the line that the US Department of Transportation draws.
    count(*) filter (where arrived.arrival_delay >= 15) as late_flights,
    round(avg(arrived.arrival_delay), 2) as average_delay,
    quantile_disc(arrived.arrival_delay, 0.9) as ninetieth_percentile_delay
from arrived
left join staging.airlines as airlines on airlines.carrier = arrived.carrier
group by arrived.flight_month, arrived.carrier, airlines.carrier_name
