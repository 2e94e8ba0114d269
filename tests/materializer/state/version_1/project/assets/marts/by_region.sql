select region, sum(amount * rate) as amount from orders join raw.rates using (region) group by region
