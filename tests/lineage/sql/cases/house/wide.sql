--- columns lambda with a rename
select columns(lambda c: c in ('a', 'c')) as 'n_\0' from t
--- columns regex with groups
select columns('^(a|c|id)$') as 'x_\1', b from t
--- columns in two aggregates
select min(columns('^(a|c)$')) as 'lo_\1', max(columns('^(a|c)$')) as 'hi_\1', count(*) as n from t group by b
--- columns of two tables
select columns(t.*) from t join r using (a)
--- columns in a filter and a list
select * exclude (x, n, d, f, b), from t where columns(* exclude (x, n, d, f, b)) is not null
--- columns unpacked in a list
select [*columns('^(a|c)$')] as both, greatest(*columns('^(a|id)$')) as top, b from t
--- star with all three
select * exclude (x, n) replace (a + c as c) rename (b as letter, d as on_day) from t
--- star like with rename
select * exclude (v) rename (a as aa) from r
--- qualified star with replace in a join
select r.* replace (r.v + t.c as v), t.id from t join r on t.a = r.a
--- pivot with several aggregates and two values
from (select id, b, f, a, c from t) pivot (sum(a) as s, max(c) as m, count(*) as n for b in ('x', 'y') f in (true, false) group by id)
--- pivot statement with several aggregates
pivot (select a, b, c, n from t) on b in ('x', 'y', 'zz') using sum(c) as s, list(n order by n) as l group by a
--- pivot on a list of expressions
pivot (select id % 2 as odd, b, c from t) on (b || 'q') in ('xq', 'yq') using count(distinct c) as n
--- pivot on a filtered aggregate
pivot (select a, b, c, f from t) on b in ('x', 'y') using sum(c) filter (f) as s group by a
--- pivot joined
select p.*, r.v from (pivot (select a, b, c from t) on b in ('x', 'y') using sum(c) group by a) p join r on r.a = p.a
--- pivot of a pivot's columns
select a, x_s + y_s as both, x_n from (pivot (select a, b, c from t) on b in ('x', 'y') using sum(c) as s, count(c) as n group by a)
--- unpivot include nulls filtered
select id, n from (from (select id, a, c, v from t join r using (a)) unpivot include nulls (val for n in (a, c, v))) where val is null
--- unpivot with a name filter
select id, v from (unpivot (select id, a, c from t) on a, c into name n value v) where n = 'a'
--- unpivot of expressions then aggregated
select n, sum(v) as s from (unpivot (select id, a + c as ac, c * 2 as cc from t) on ac, cc into name n value v) group by n
--- unpivot star exclude
unpivot (select id, a, c from t) on * exclude (id) into name n value v
--- asof left with more columns
select t.id, t.c, r.v, r.k from t asof left join r on t.a = r.a and t.d >= r.d
--- asof left with a filter above
select t.id, r.v from t asof left join (select * from r where v > 0) r on t.d >= r.d where t.c > 0
--- asof using
select id, v, d from t asof join r using (a, d)
--- asof right with two keys
select r.k, t.id from t asof right join r on t.a = r.a and t.b = r.k and t.d > r.d
--- positional with expressions
select t.id + r.v as s, r.k, t.b from t positional join r
--- positional of three
select t.id, r.v, e.name from t positional join r positional join e
--- semi using with a filter inside
select id, c from t semi join (select a from r where k = 'x') q using (a)
--- anti on an inequality
select id, c from t anti join r on t.a = r.a and r.v > t.c
--- semi of a grouped subquery
select id, b from t semi join (select a from r group by a having count(*) > 1) q on q.a = t.a
--- anti then semi
select id from t anti join r using (a) semi join e using (id)
--- lateral with limit and ties
select t.id, q.v from t, lateral (select r.v from r where r.a = t.a order by r.d limit 1) q
--- lateral left with limit and total order
select t.id, q.v, q.k from t left join lateral (select r.v, r.k from r where r.a >= t.c order by r.v, r.k, r.a, r.d limit 2) q on true
--- lateral limit by a column
select t.id, q.i from t, lateral (select i from range(10) g(i) where i > t.c limit 2) q
--- lateral of lateral
select t.id, q.v, p.n from t, lateral (select r.v, r.k from r where r.a = t.a) q, lateral (select count(*) as n from e where e.name = q.k) p
--- recursive using key with a sum
with recursive w(id, n) using key (id) as (select id, 1::bigint from e union select e.parent, count(*) from e join w on e.id = w.id where e.parent is not null and e.parent > e.id group by e.parent) select id, n from w
--- recursive using key over its recurring table
with recursive w(id, low) using key (id) as (select id, coalesce(parent, id) from e union select w.id, least(w.low, q.low) from w join recurring.w q on w.low = q.id where q.low < w.low) select * from w
--- recursive with two columns swapping
with recursive w(a, b, n) as (select id, parent, 0 from e union all select b, a, n + 1 from w where n < 2) select a, n from w
--- recursive that carries a list
with recursive w(id, path) as (select id, [name] from e where parent is null union all select e.id, list_append(path, e.name) from e join w on e.parent = w.id where len(path) < 4) select * from w
--- materialized twice with different columns
with q as materialized (select a, b, c from t where f) select (select max(c) from q) as m, b from q where a > 0
--- union by name of structs
select s.p as p, id from deep union all by name select v as id, s.t.u as u from deep
--- window over unnested
select id, e, row_number() over (partition by id order by e, v) as n from (select id, v, unnest(ll[1]) as e from deep)
--- qualify on an unnested window
select id, unnest(ll[1]) as e, v from deep qualify rank() over (order by v) < 4
--- group by all with a map and a lambda
select m[1] as m1, list_sum(list_transform(ll[1], lambda x: x + 1)) as s, count(*) as n from deep group by all
--- correlated in a lambda's list
select id, list_transform((select list(r.v order by r.v) from r where r.a = deep.v), lambda e: e + s.p) as l from deep
--- from first with everything
from t join r using (a) select a, b, v where c > 0 qualify row_number() over (partition by a order by v, b, id, k, r.d) = 1
--- values with a column alias and a join
select q.w, t.c from (values (1, 'x'), (2, 'y')) q(i, w) join t on t.a = q.i and t.b <> q.w
--- try and error in a branch
select id, try(case when v > 1 then (b::integer) else s.p end) as p from (select d.id, d.v, d.s, t.b from deep d join t using (id))
--- set operation in a lateral with a limit
select t.id, q.z from t, lateral ((select v as z from r where r.a = t.a) union (select t.c) order by z limit 2) q
--- aggregate order by another with a filter
select b, string_agg(k, ',' order by v desc, k) filter (v > 0) as ks, arg_max(k, v) filter (t.f) as top from t join r using (a) group by b
--- limit from a grouped subquery
select id from t order by id, a, b, c limit (select count(distinct k) from r where v > 0)
--- sample inside a join with a seed
select t.id, q.v from t join (select * from r using sample reservoir(3 rows) repeatable (7)) q on q.a = t.a
