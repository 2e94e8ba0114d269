select sum(a) as s from 'data/x.csv'
