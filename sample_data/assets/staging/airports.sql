/* upriver:
description: One row per airport.
tags: [staging]
owner: operations
*/
select
    faa as airport,
    name as airport_name,
    lat as latitude,
    lon as longitude
from raw.airports
