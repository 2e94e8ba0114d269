--- copy
select a, b from t
--- from first
from t select a, c + 1 as c1
--- from only
from r
--- expressions
select a + c as s, a * 2 as dbl, upper(b) as ub, c - (a - 1) as diff, -a as neg from t
--- case expression
select case when a > 1 then b when c is null then 'none' else k end as pick from t join r using (a)
--- simple case
select id, case a when 1 then 'one' when 2 then 'two' else b end as w from t
--- coalesce and nullif
select coalesce(a, c, 0) as x, nullif(a, c) as y, ifnull(b, 'z') as z, greatest(a, c) as g from t
--- casts
select a::varchar as av, try_cast(b as integer) as bi, cast(c as double) as cd, n::integer as ni from t
--- where comparison
select id from t where a > 1
--- where and or not
select id from t where (a > 1 or c < 2) and not f
--- where in list
select id, b from t where a in (1, 2) and b not in ('x', 'zz')
--- where between
select id from t where c between 1 and 2 and d between date '2020-01-01' and date '2020-01-03'
--- where like
select id from t where b like 'x%' or b is null
--- where is distinct from
select id from t where a is distinct from c
--- where null checks
select id, a from t where b is not null and c is null
--- where two columns
select id from t where a = c
--- where expression
select id from t where a + c > 3
--- where false positive precedence
select id from t where a = 1 or a = 2 and c = 1
--- where boolean column
select id from t where f
--- where constant
select id, a from t where 1 = 1
--- dotted key
select customer, amount from sales.orders where status = 'x'
--- dotted key qualified column
select sales.orders.customer, orders.amount from sales.orders where sales.orders.amount > 1
--- deep key
select amount from sales.eu.orders where sales.eu.orders.order_id > 1
--- two tables of the same last name
select sales.orders.amount as a1, sales.eu.orders.amount as a2 from sales.orders, sales.eu.orders where sales.orders.order_id = sales.eu.orders.order_id
--- alias columns
select q.one, q.two from t as q(one, two)
--- prefix alias
select twice: a * 2, b from t
--- lateral alias
select a + 1 as a1, a1 * 2 as a2 from t where a1 > 1
--- values
select * from (values (1, 'x'), (2, 'y')) as v(p, q) join t on t.a = v.p
--- order by
select id, a from t order by c, id
--- order by all
select a, b from t order by all
--- limit with total order
select id, a, b, c from t order by id, a, b, c limit 3
--- limit without order
select a from t limit 2
--- limit with ties
select id from t order by a limit 2
--- offset
select a, c from t order by a, c limit 2 offset 1
--- limit percent
select a from t order by a limit 50%
--- limit from expression
select a from t order by all limit (select min(v) + 1 from r where v >= 0)
--- distinct
select distinct a from t
--- distinct star
select distinct * from r
--- distinct on
select distinct on (a) a, b from t order by a, b
--- distinct on with ties
select distinct on (b) b, c from t
--- sample with a seed
select a from t using sample reservoir(3 rows) repeatable (42)
--- dates
select year(d) as y, date_trunc('month', d) as m, d + interval 1 day as nxt from t
--- string functions
select b || '-' || k as bk, length(b) as len, substr(k, 1, 1) as k1, regexp_replace(b, 'x', 'y') as rr from t join r using (a)
--- count star only
select count(*) as n from t
--- constant column
select 1 as one, 'x' as ex from t
--- two scans with different filters
select x.id from t x, t y where x.a = 1 and y.c = 2 and x.id = y.id
--- two scans with the same filter
select id from t where a > 1 union all select c from t where a > 1
--- try
select try(a // c) as q from t
--- if function
select if(a > 1, b, k) as w from t join r using (a)
--- collation
select b from t order by b collate nocase, b
--- group by a collated column
select b collate nocase as nb, count(*) as n from t group by 1
