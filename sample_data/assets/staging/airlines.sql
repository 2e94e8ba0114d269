/* upriver:
description: One row per carrier.
tags: [staging]
owner: operations
*/
select
    carrier,
    -- "Delta Air Lines Inc." is "Delta Air Lines" on every page that shows it.
    regexp_replace(name, ' (Inc\.|Co\.|Corporation)$', '') as carrier_name
from raw.airlines
