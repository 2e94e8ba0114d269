select case when amount > 6 then error('no amount is above 6') else amount end as amount from orders
