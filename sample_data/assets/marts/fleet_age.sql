/* upriver:
description: One row per carrier, with the number, age and size of the aircraft it flew.
tags: [marts]
owner: fleet
columns:
  carrier: {type: VARCHAR, unique: true, not_null: true}
checks:
  - expression: known_aircraft <= aircraft
*/
with flown as (
    select distinct
        carrier,
        tail_number
    from staging.flights
    where not cancelled
)

select
    flown.carrier,
    count(*) as aircraft,
    -- American and Envoy report fleet numbers in place of many tail numbers: mind how few are known.
    count(planes.tail_number) as known_aircraft,
    -- The median, because some years of manufacture are misprints.
    median(2013 - planes.built) as median_age,
    round(avg(planes.seats), 0) as average_seats
from flown
left join staging.planes as planes on planes.tail_number = flown.tail_number and planes.airliner
group by flown.carrier
