--- range table function
select i, t.b from range(5) as g(i) join t on t.a = i
--- describe
describe r
--- summarize
summarize r
--- macro functions
select list_avg([a, c]) as m, date_add(d, interval 1 month) as nm from t
--- position and trim
select trim(both 'x' from b) as tb, position('x' in b) as px, extract(year from d) as y from t
--- similar to
select id from t where b similar to '(x|y).*'
--- glob
select id from t where b glob 'x*'
--- empty where
select id from t where false
--- comparison chain
select id from t where a <> c and not (a = 1 or c = 2)
--- window then filter then group
select a, count(*) as n from (select a, row_number() over (partition by a order by c, id, b) as rn, c from t) where rn <= 2 and c > 0 group by a
--- union of joins
select t.id, r.v from t join r using (a) union all select e.id, e.parent from e
--- deep nesting
select * from (select * from (select a, b, c from t where c > 0) where b = 'x') where a > 0
--- positional reference
select #2 as second, #1 as first from r
--- at time zone free dates
select date_diff('day', d, date '2020-01-05') as days, strftime(d, '%Y-%m') as ym from t
--- case folded names
select A, T.B from T where C > 1
--- bitwise and power
select a & c as ba, a | c as bo, xor(a, c) as bx, a ** 2 as sq from t
--- hash
select hash(a, b) as h, md5(b) as m from t
--- exists with limit
select id from t where exists (from r where r.a = t.a limit 1)
--- aggregate filter with subquery
select count(*) filter (where a in (select a from r)) as n from t
--- order by hidden column with limit
select b from t order by c desc nulls last, b limit 3
--- percent sample of groups
select a from (select distinct a from t) order by a limit 3
--- group by alias
select a + c as k, count(*) as n from t group by k
--- not in empty
select id from t where a not in (select a from r where false)
--- join using three columns
select t.id from t join r using (a, d)
--- filter on both sides of a union
select q.a from (select a, c from t where c > 0 union all select a, v from r where v > 0) q where q.c > 1
--- list of a sorted subquery
select list(a) as l from (select a from t order by c, b)
--- first of a sorted cte
with q as (select a, b from t order by d, id) select a, first(b) as fb from q group by a
--- row number of a sorted subquery
select id, row_number() over () as rn from (select id, c from t order by c, a)
--- limit of a union of sorted parts
select * from (select a from t order by b, c) union all (select v from r order by k) limit 3
--- distinct on a sorted subquery
select distinct on (a) a, b from (select a, b from t order by c, d)
--- positional join of sorted subqueries
select p.a, q.v from (select a from t order by c, id) p positional join (select v from r order by k, d) q
--- string_agg of a sorted join
select string_agg(b, ',') as s from (select t.b from t join r using (a) order by r.v, t.c)
--- order by above a filter above a sort
select a from (select a, c from t order by c) where a > 0 limit 2
--- array of a sorted subquery
select array(select a from t order by c, id) as l
--- lateral sorted list
select r.k, q.l from r, lateral (select list(b) as l from (select b from t where t.a = r.a order by c)) q
