--- by a truncated date
select a, c from t where date_trunc('month', d) = date '2024-01-01'

--- by a part of a date in a subquery
select sum(c) as s from (select * from t where year(d) = 2024) where a > 1

--- by arithmetic
select b, count(*) as n from t where a % 2 = 0 group by b

--- by a cast that may fail
select a from t where c::tinyint > 1

--- by a cast that gives null
select a from t where try_cast(b as integer) > 1

--- by text
select id from t where lower(b) in ('a', 'x') and length(b) < 3

--- by a case
select id, c from t where case when a > 1 then b = 'a' else f end

--- one side of a join
select t.id, r.v from t join r using (a) where abs(r.v) = 1 and coalesce(t.c, 0) < 3

--- the kept side of an outer join
select t.id, r.v from t left join r using (a) where upper(t.b) = 'A'

--- the other side of an outer join
select t.id, r.v from t left join r using (a) where coalesce(r.v, 1) = 1

--- two scans
select a from t where a + 1 = 2 union all select c from t where b || 'x' = 'ax'

--- by what may fail above another filter
select a from (select a, c from t where a > 0) where c::tinyint = 1

--- by decimals and doubles
select id from t where n * 2 > 10 or x > 1.5
