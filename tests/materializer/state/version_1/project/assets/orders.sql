select id, region, amount from raw.orders where amount < 10 * 100
