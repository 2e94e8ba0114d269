select sum(amount)::bigint as total from 'data/x.csv'
