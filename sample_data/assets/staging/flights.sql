/* upriver:
description: One row per scheduled departure from a New York airport, with what became of it.
tags: [staging]
owner: operations
*/
select
    concat_ws('-', strftime(make_date(year, month, day), '%Y%m%d'), carrier, flight, origin) as flight_id,
    make_date(year, month, day) as flight_date,
    make_date(year, month, 1) as flight_month,
    hour as scheduled_hour,
    time_hour as scheduled_hour_utc,
    carrier,
    flight as flight_number,
    tailnum as tail_number,
    origin,
    dest as destination,
    distance as distance_miles,
    dep_delay as departure_delay,
    arr_delay as arrival_delay,
    air_time as air_minutes,
    dep_time is null as cancelled,
    -- It left, and never arrived where it was to arrive.
    dep_time is not null and arr_delay is null as diverted
from raw.flights
