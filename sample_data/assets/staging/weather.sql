/* upriver:
description: One row per airport and hour with a weather report.
tags: [staging]
owner: operations
*/
with in_knots as (
    select
        *,
        -- The feed holds miles per hour that were knots before: 1 kt is 1.15078 mph.
        cast(round(wind_speed / 1.15078) as smallint) as knots
    from raw.weather
)

select
    origin,
    time_hour as hour_utc,
    temp as temperature_f,
    -- A broken sensor reported 911 kt at Newark on 12 February.
    case when knots <= 100 then knots end as wind_knots,
    visib as visibility_miles,
    -- Whole hundredths of an inch, so that sums are exact.
    cast(round(precip * 100) as smallint) as rain_hundredths
from in_knots
