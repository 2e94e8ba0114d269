--- group by
select a, sum(c) as s, count(*) as n from t group by a
--- group by all
select a, b, min(c) as lo, max(c) as hi from t group by all
--- group by position
select b, count(distinct a) as n from t group by 1
--- group by expression
select a % 2 as parity, sum(c) as s from t group by a % 2
--- having
select a from t group by a having sum(c) > 2
--- having without aggregate in output
select b from t group by b having max(a) > 1 and min(c) < 2
--- global
select sum(a) as s, avg(c) as m, count(b) as n from t
--- global beside constant
select 1 as one, max(a) as hi from t where c > 1
--- filter clause
select count(*) filter (where a > 1) as n, sum(c) filter (where f) as s, max(a) as hi from t
--- float sum
select a, sum(x) as s from t group by a
--- decimal sum
select a, sum(n) as s, avg(n) as m from t group by a
--- ordered aggregates
select a, string_agg(b, ',' order by b) as bs, list(c order by c, id) as cs from t group by a
--- unordered aggregates
select a, list(c) as cs, first(b) as fb, any_value(d) as ad from t group by a
--- arg_max
select a, arg_max(b, c) as top, min_by(id, c) as low from t group by a
--- rollup
select a, b, sum(c) as s from t group by rollup (a, b)
--- cube
select a, f, count(*) as n from t group by cube (a, f)
--- grouping sets
select a, b, sum(c) as s, grouping(a, b) as g from t group by grouping sets ((a), (b), ())
--- distinct aggregate
select sum(distinct a) as s, count(distinct b) as n from t
--- quantiles
select a, median(c) as m, quantile_cont(c, 0.25) as q, mode(b) as mo from t group by a
--- statistics
select stddev(c) as sd, corr(a, c) as r from t
--- boolean aggregates
select a, bool_and(f) as every, bool_or(f) as any_one, count_if(c > 1) as n from t group by a
--- bit and histogram
select bit_or(a) as o, histogram(b) as h from t
--- approximate
select approx_count_distinct(a) as n from t
--- aggregate of expression
select a, sum(c * 2 + coalesce(id, 0)) as s from t group by a
--- aggregate over join
select r.k, sum(t.c) as s from t join r using (a) where r.v > 0 group by r.k
--- nested aggregate
select max(s) as hi from (select a, sum(c) as s from t group by a)
--- group without aggregates
select a, c from t group by a, c
--- count over empty group list
select count(*) as n from t group by ()
--- top group with total order
select a, count(*) as n from t group by a order by n desc, a limit 2
--- top group with ties
select a, count(*) as n from t group by a order by n desc limit 2
--- max of a struct
select max({'a': a, 'c': c}) as hi from t
--- list then aggregate
select list_sum(list(c)) as s from t
--- min with n
select min(c, 2) as lows, max(a, 2) as highs from t
--- string_agg distinct
select string_agg(distinct b, ',' order by b) as bs from t
--- group by interval
select d - date '2020-01-01' as days, count(*) as n from t group by 1
--- product and first in group key
select a, first(a) as fa, sum(c) as s from t group by a
