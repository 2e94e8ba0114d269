/* upriver:
description: One row per registered aircraft.
tags: [staging]
owner: fleet
*/
with corrected as (
    select
        *,
        -- The registry gives the Embraer 190 twenty seats; airlines fly it with a hundred.
        case when model like 'ERJ 190%' then 100 else seats end as real_seats
    from raw.planes
)

select
    tailnum as tail_number,
    cast(year as smallint) as built,
    -- The registry spells the same makers in several ways.
    case
        when manufacturer like 'AIRBUS%' then 'Airbus'
        when manufacturer like 'MCDONNELL DOUGLAS%' or manufacturer = 'DOUGLAS' then 'McDonnell Douglas'
        when manufacturer like 'BOMBARDIER%' or manufacturer like 'CANADAIR%' then 'Bombardier'
        when manufacturer = 'BOEING' then 'Boeing'
        when manufacturer = 'EMBRAER' then 'Embraer'
        else 'Other'
    end as maker,
    model,
    cast(real_seats as smallint) as seats,
    -- To the registry, the tail numbers of some airliners belong to a Cessna or a helicopter.
    real_seats >= 30 as airliner
from corrected
