/* upriver:
description: One row per reference of the flights that does not always resolve, with how often it does not.
tags: [quality]
owner: operations
*/
with unmatched as (
    select
        'destination without an airport' as reference,
        flights.destination as code
    from staging.flights as flights
    anti join staging.airports as airports on airports.airport = flights.destination

    union all

    select
        'tail number without an aircraft' as reference,
        flights.tail_number as code
    from staging.flights as flights
    anti join staging.planes as planes on planes.tail_number = flights.tail_number

    union all

    select
        'hour without a weather report' as reference,
        flights.origin || ' ' || flights.scheduled_hour_utc as code
    from staging.flights as flights
    anti join staging.weather as weather
        on weather.origin = flights.origin and weather.hour_utc = flights.scheduled_hour_utc
)

select
    reference,
    count(*) as flights,
    count(distinct code) as codes
from unmatched
group by reference
