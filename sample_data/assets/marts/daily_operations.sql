/* upriver:
description: One row per airport and day, operations beside the day's weather.
tags: [marts]
owner: operations
columns:
  flight_date: {type: DATE, not_null: true}
  origin: {type: VARCHAR, accepted_values: [EWR, JFK, LGA]}
checks:
  - unique: [flight_date, origin]
  - expression: cancelled_flights + diverted_flights <= flights
*/
with flights as (
    select
        flight_date,
        origin,
        count(*) as flights,
        count(*) filter (where cancelled) as cancelled_flights,
        count(*) filter (where diverted) as diverted_flights,
        round(avg(departure_delay), 2) as average_departure_delay
    from staging.flights
    group by flight_date, origin
),

-- Both sides have one row per airport and day before they meet: a join of the raw rows would count each
-- flight once per hour of weather.
weather as (
    select
        -- A day in New York starts at 05:00 UTC, an hour sooner in summer: near enough.
        cast(hour_utc - interval 5 hours as date) as weather_date,
        origin,
        cast(sum(rain_hundredths) as integer) as rain_hundredths,
        max(wind_knots) as strongest_wind_knots,
        min(visibility_miles) as worst_visibility_miles
    from staging.weather
    group by weather_date, origin
)

select
    flights.*,
    weather.rain_hundredths,
    weather.strongest_wind_knots,
    weather.worst_visibility_miles
from flights
left join weather on weather.weather_date = flights.flight_date and weather.origin = flights.origin
