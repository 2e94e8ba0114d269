/* upriver:
description: One row per month and currency, with the mean estimated fare of the flights flown.
tags: [finance]
owner: finance
*/
with dollars as (
    select
        rate_date,
        per_eur
    from staging.fx_rates
    where currency = 'USD'
),

converted as (
    select
        cast(date_trunc('month', fares.flight_date) as date) as fare_month,
        rates.currency,
        fares.flights,
        -- From dollars to euros to the currency, in whole cents, so that the sums below are exact.
        cast(round(fares.fare_usd_cents / dollars.per_eur * rates.per_eur) as bigint) as fare_cents
    from finance.estimated_fares as fares
    inner join dollars on dollars.rate_date = fares.flight_date
    inner join staging.fx_rates as rates on rates.rate_date = fares.flight_date
)

select
    fare_month,
    currency,
    cast(sum(flights) as bigint) as flights,
    round(sum(flights * fare_cents) / sum(flights) / 100, 2) as average_fare
from converted
group by fare_month, currency
