--- fill window
select id, fill(c) over (order by id) as ff from t
--- union type
select union_value(k := a) as u from t
--- union type tag
select union_tag(u) as g, u.k as kk from (select union_value(k := a) as u from t)
--- columns rename
select columns('^(a|c)$') as 'x_\0' from t
--- star like
select * not like 'a%' from r
--- star similar
select * similar to '(a|v)' from r
--- positional group
select a + 1, sum(c) from t group by all order by all
--- grouping_id
select a, b, grouping_id(a, b) as g, count(*) as n from t group by cube (a, b) having grouping_id(a) = 0
--- window named chain
select id, sum(c) over (w order by id) as s from t window w as (partition by b)
--- qualify named
select id from t window w as (partition by a order by c, id, b) qualify row_number() over w = 1
--- lateral chain
select t.id, p.m, q.n from t, lateral (select max(v) as m from r where r.a = t.a) p, lateral (select count(*) as n from e where e.id = p.m) q
--- nested correlated two levels
select id, (select max((select count(*) from e where e.parent = r.v and e.id = t.id)) from r where r.a = t.a) as n from t
--- recursive in lateral
select t.id, q.n from t, lateral (with recursive w(n) as (select t.a union all select n + 1 from w where n < t.c) select max(n) as n from w) q
--- recursive materialized twice
with recursive w(n) as (select 1 union all select n + 1 from w where n < 4), z as materialized (select w.n, t.a from w join t on t.a = w.n) select x.a, y.n from z x, z y where x.n < y.n
--- unnest two lists of different length
select unnest(l), unnest(list_value(id, 1)) from nest
--- unnest max depth
select unnest([[id], l], max_depth := 2) as q from nest
--- unnest in where subquery
select id from nest where 1 in (select unnest(l))
--- unnest correlated aggregate
select id, (select list(x * id order by x) from (select unnest(l) as x)) as s from nest
--- generate subscripts
select id, generate_subscripts(l, 1) as i from nest
--- map functions
select map_from_entries(list({'k': b, 'v': c} order by id, b, c)) from (select distinct on (b) b, c, id from t where b is not null order by b, id, c)
--- struct in group by
select s, count(*) from nest group by s
--- struct distinct
select distinct s.p, s from nest
--- values correlated
select t.id, v.x from t, lateral (values (t.a), (t.c)) v(x)
--- values in from with subquery
select * from (values ((select max(v) from r), 1)) as q(a, b)
--- intersect in subquery
select id from t where a in (select a from r intersect select id from e)
--- union in exists
select id from t where exists (select 1 from r where r.a = t.a union all select 1 from e where e.id = t.c)
--- except all correlated
select id, (select count(*) from (select v from r where r.a = t.a except all select parent from e)) as n from t
--- union limit in scalar
select (select a from t union select v from r order by 1 limit 1) as m
--- full join using with filter
select a, t.c, r.v from t full join r using (a) where a > 0
--- full join on false
select t.id, r.v from t full join r on false
--- right join filter left
select r.v from t right join r on t.a = r.a and t.f
--- left join true
select t.id, q.m from t left join (select max(v) as m from r) q on true
--- cross join single row agg
select t.id - q.m as z from t, (select avg(v) as m, count(*) as n from r) q
--- asof by and inequality
select ev.at, q.v from ev asof join r q on ev.grp = q.k and ev.at > q.a
--- positional unequal
select * from (select a from t where c > 0) positional join (select k from r)
--- semi semi
select id from t semi join r using (a) semi join e on e.id = t.c
--- natural three
select * from (select a, c from t) natural join (select a, v from r) natural left join (select id as v, name from e)
--- natural no common
select x.id2, y.k2 from (select id as id2 from e) x natural join (select k as k2, a as id2 from r) y
--- distinct aggregates
select count(distinct (a, b)) as n from t
--- aggregate with having only
select 1 as one from t having count(*) > 5
--- aggregate no rows
select max(a) from t where false
--- global agg filter all
select sum(c) filter (where false) from t
--- count star after left join
select count(*) from t left join r on t.a = r.a
--- count col after left join of unique
select count(q.a) from t left join (select distinct a from r) q on t.a = q.a
--- count after left join unique
select count(*) from t left join (select distinct a from r) q on t.a = q.a
--- limit zero
select a from t limit 0
--- limit null
select a from t limit null
--- limit param percent
select a from t order by id, a limit (select count(*) // 2 from r)
--- offset subquery
select a from t order by all offset (select min(v) from r where v >= 0)
--- order by in cte then row_number
with q as (select * from t order by c desc, id, a, b) select id, row_number() over () as rn from q
--- limit of a join
select t.id, r.v from t join r using (a) limit 3
--- limit after window
select id, rank() over (partition by a order by c) as rk from t limit 3
--- first after group by
select first(s) from (select a, sum(c) as s from t group by a)
--- list after distinct
select list(a) from (select distinct a from t)
--- string_agg after join
select string_agg(r.k, '') from t join r on t.a = r.a
--- any_value over union
select any_value(a) from (select a from t union select v from r)
--- sample rows seeded
select * from (select a, c from t where c > 0) using sample 3 rows (reservoir, 7)
--- sample system
select a from t tablesample reservoir(20%) repeatable (3)
--- try division
select try(1 // a) as z, a from t
--- error case
select case when a > 0 then 1 // a else 0 end as z from t
--- in list of columns
select id from t where a in (c, id, (select max(v) from r))
--- between columns
select id from t where c between a and id
--- is true
select id from t where (a > c) is not true
--- not distinct subquery
select id from t where a is not distinct from (select max(v) from r)
--- any correlated
select id from t where a > any (select v from r where r.k = t.b)
--- all uncorrelated expression
select id, a <= all (select v from r) as z from t
--- exists in case
select case when exists (select 1 from r where r.a = t.a) then b else k2 end as z from t, (select max(k) as k2 from r)
--- exists in aggregate filter
select count(*) filter (where exists (select 1 from r where r.a = t.a)) from t
--- exists in order by limit
select id from t order by exists (select 1 from r where r.a = t.a), id, a, b limit 3
--- correlated in group by
select (select count(*) from r where r.a = t.a) as n, count(*) as m from t group by 1
--- correlated in window partition
select id, sum(c) over (partition by (select max(v) from r where r.a = t.a)) as s from t
--- correlated in join on
select t.id, e.name from t join e on e.id = t.a and exists (select 1 from r where r.v = e.parent)
--- pivot with multiple on
pivot (select a, b, f, c from t) on b in ('x', 'y'), f in (true, false) using sum(c)
--- pivot expression
pivot (select a, c, b from t) on (b = 'x') in (true, false) using count(*)
--- pivot multiple using
pivot (select a, c, b, id from t) on b in ('x', 'y') using sum(c) as s, max(id) as m group by a
--- unpivot with expression
unpivot (select id, a, c from t) on (a + 1) as a1, c into name n value v
--- replace twice
select * exclude (b) replace (a + c as a, upper(k) as k) from (select t.a, t.b, t.c, r.k from t join r using (a))
--- coalesce columns
select coalesce(*columns('^[ac]$')), greatest(*columns(['a', 'c', 'id'])) from t
--- alias in where and group
select a + c as s, count(*) as n from t where s > 1 group by s having n > 1
--- group by all with expression of agg
select a, b || 'x' as bx, sum(c) + max(id) as z from t group by all
--- nested ctes same names
with q as (select a from t), p as (with q as (select v as a from r) select * from q) select q.a, p.a as pa from q, p where q.a = p.a
--- cte used in subquery and main
with q as (select a, max(c) as m from t group by a) select a, m from q where m = (select max(m) from q)
--- materialized cte correlated
with q as materialized (select a, v from r) select id, (select sum(v) from q where q.a = t.a) as s from t
--- json table
select u.key, u.value from nest, json_each(case when json_valid(j) then j else '{}' end) u
--- json keys
select json_keys(j) from nest where json_valid(j)
--- string split unnest
select id, unnest(string_split(b, 'x')) as part from t
--- regexp extract all
select unnest(regexp_extract_all(b, '[a-z]')) as z, a from t
--- list zip
select list_zip(l, [id]) from nest
--- list aggregate function
select list_aggregate(l, 'sum'), list_distinct(l) from nest
--- struct keys
select struct_extract(s, 'p'), struct_keys(s) from nest
--- row type equality in join
select t.id from t join nest on row(t.a, t.b) = row(nest.s.p, nest.s.q)
--- alias star table
select q from (select a, c from t) q
--- count alias row
select count(q) from (select a, c from t) q
--- max row
select max(r) from r
--- arg_max multi
select arg_max(b, c, 2) from t
--- arg_max row
select a, arg_max(r, v) from r group by a
--- max_by over window
select id, arg_max(b, c) over (partition by a) as z from t
--- sum over order expression
select id, sum(c) over (order by a + id range between 1 preceding and 1 following) as s from t
--- lag default expr
select id, lag(c, a, id) over (order by id, c, a, b) as z from t
--- window frame from column
select id, sum(c) over (order by id, a, b, c rows between a preceding and current row) as s from t where a >= 0
--- rank order in args
select id, rank(order by c) over (partition by a) as z from t
--- distinct on multiple
select distinct on (a, b) a, b, c from t order by a, b, c desc, id
--- distinct on expression
select distinct on (a % 2) a, c from t order by a % 2, c, a
--- distinct with order by other limit
select distinct a, b from t order by b, a limit 3
--- offset without limit ordered
select id from t order by id, a offset 2
--- nested order limit join
select q.id, r.v from (select id, a from t order by c, id, a, b limit 4) q join r using (a)
--- union by name types
select a, b from t union by name select v, a from r
--- union with different casts
select a from t union select k from r
--- except keeps nulls
select a, c from t except all select a, v from r
--- hash join with expression null
select t.id from t join r on coalesce(t.a, -1) = coalesce(r.a, -1)
--- between join
select t.id, r.v from t join r on t.c between r.a and r.v
--- like join
select t.id, r.k from t join r on t.b like r.k || '%'
--- or join with subquery
select t.id from t left join r on t.a = r.a or t.b in (select name from e)
--- chained comparisons null safe
select t.id, r.v from t left join r on t.a is not distinct from r.a and t.d is not distinct from r.d
--- date arithmetic
select date_trunc('month', d) as m, count(*) over (partition by date_trunc('month', d)) as n from t
--- interval agg
select sum(d - date '2020-01-01') from t
--- timestamp tz
select d::timestamptz as z from t
--- format functions
select printf('%s-%d', b, a), format('{}', c) from t
--- bitstring
select bitstring_agg(a, 0, 10) from t where a between 0 and 10
--- approx quantile
select approx_quantile(c, 0.5) from t
--- histogram bins
select histogram(c, [0, 2, 5]) from t
--- summarize subquery
summarize select a, c from t where c > 0
--- describe query
describe select a, c from t
--- show
from (describe t)
--- parenthesized from
from (t join r using (a)) select id, v
--- comma lateral unnest join
select id, x, v from nest, unnest(l) as g(x) join r on r.a = x
--- cross lateral left unnest
select id, g.x from nest left join lateral unnest(l) as g(x) on true
--- subscript expr
select l[id], b[a] from nest join t using (id)
--- collate join
select t.id from t join r on t.b collate nocase = r.k collate nocase
--- distinct collate
select distinct b collate nocase as z from t
--- order by collate distinct on
select distinct on (b collate nocase) b, c from t order by b collate nocase, c
--- cte insert free ordinality
select i, x from nest, unnest(l) with ordinality as g(x, i) where i = 1
--- decimal cast filter
select id from t where n::integer = 2 and c > 0
--- top n per group lateral
select r.k, q.id from r left join lateral (select id from t where t.a = r.a order by c desc, id, b limit 2) q on true
--- lateral distinct on
select r.k, q.b from r, lateral (select distinct on (b) b from t where t.a = r.a order by b, id) q
--- lateral window
select r.k, q.s from r, lateral (select sum(c) over (order by id, c, a, b) as s from t where t.a = r.a) q
--- lateral union
select r.k, q.x from r, lateral (select a as x from t where t.a = r.a union all select id from e where e.id = r.v) q
--- lateral except
select r.k, q.x from r, lateral (select id as x from t where t.a = r.a except select id from e where e.parent = r.v) q
--- correlated limit offset
select id, (select v from r where r.a = t.a order by v, k, d limit 1 offset 1) as m from t
--- scalar multiple columns struct
select id, (select {'v': max(v), 'k': min(k)} from r where r.a = t.a) as s from t
--- ordered cte reused
with q as (select a, c from t order by c limit 3) select x.a, count(*) from q x join q y on x.c <= y.c group by x.a
--- sum of bool exists
select sum((a in (select a from r))::int) from t
--- min over empty set op
select min(a) from (select a from t intersect select a from r)
--- rollup of window
select a, sum(s) from (select a, sum(c) over (partition by b) as s from t) group by rollup (a)
--- grouping sets with order limit
select a, b, count(*) as n from t group by grouping sets ((a), (b)) order by n desc, a, b limit 3
