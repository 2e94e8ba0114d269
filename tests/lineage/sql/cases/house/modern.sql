--- methods chained
select b.upper().trim('X').concat(c::varchar) as w, id from t
--- list methods chained
select ll[1].list_transform(lambda x: x + v).list_sort().list_sum() as s, id from deep
--- variant
select a::variant as va, {'x': c}::variant as vs, id from t
--- variant read back
select (a::variant)::integer as va, id from t where c > 0
--- within group
select b, percentile_cont(0.5) within group (order by c) as mid, mode() within group (order by a) as m from t group by b
--- list has any beside not like
select id, b from t where list_has_any(['x', 'zz'], [b]) and b not like '%y'
--- array contains operator
select id, v from deep where ll[1] @> [v]
--- fetch first
select id, c from t order by c, id, a, b fetch first 3 rows only
--- group by empty
select count(*) as n, max(c) as m from t group by ()
--- columns in order by
select id, a, c from t order by columns('^(a|c|id)$') limit 3
--- sample on one table of a join
select t.id, r.v from t tablesample reservoir(4) repeatable (3) join r on t.a = r.a
--- array literals and slices with steps
select array[a, c, id][1:3:2] as odd, b from t
--- is json
select id, l[1] as f from nest where json_valid(j) and j::json is not null
--- json arrow chains
select j::json->'k' as k, json_type(j::json->'v') as tv, id from (select * from nest where json_valid(j))
--- to json of a row
select to_json(r) as whole, r.a from r
--- struct from json
select from_json(j, '{"k": "INTEGER", "v": "INTEGER"}').k as k, id from nest where json_valid(j) and j like '{%'
--- reused alias in a window
select a + c as s, sum(s) over (partition by b order by s) as run, id from t
--- window filter and ignore nulls
select id, first_value(c ignore nulls) over (partition by b order by d, id, a) as f, sum(a) filter (f) over (order by id, a, c) as s from t
--- window with a frame bound from a subquery
select id, count(*) over (order by id rows between 1 preceding and current row exclude ties) as n, c from t
--- correlated exists over two levels with limit
select id, b from t where exists (select 1 from r where r.a = t.a and r.v > (select min(e.id) from e where e.name = r.k))
--- scalar in a scalar in a case
select id, case when a > (select avg(v) from r where r.k = t.b) then (select max(name) from e) else b end as w from t
--- not in over a nullable correlated column
select id from t where a not in (select r.a from r where r.k = t.b)
--- quantified comparison with a list
select id, a > any([c, 1]) as some, a = all([c, a]) as every from t
--- in an unnested list
select id, v from deep where v in (select unnest(ll[1]))
--- comparing rows of a subquery
select id, (a, c) in (select v, a from r) as hit, b from t
--- union of different widths by name
select a, b from t union by name select a, v from r union all by name select id as a, name as b from e
--- except by struct
select {'a': a, 'b': b} as s from t except select {'a': a, 'b': k} from r
--- intersect all then grouped
select a, count(*) as n from (select a from t intersect all select a from r) group by a
--- cube with having on grouping
select a, b, sum(c) as s, grouping(a, b) as g from t group by cube (a, b) having grouping(a) = 1
--- grouping sets of expressions
select a % 2 as odd, b, max(c) as m from t group by grouping sets ((a % 2), (b), ())
--- distinct on in a cte joined back
with q as (select distinct on (a) a, v, k from r order by a, v, k, d) select t.id, q.k from t left join q using (a)
--- exists and not exists of one table
select id from t where exists (select 1 from r where r.a = t.a) and not exists (select 1 from r where r.a = t.a and r.v < t.c)
--- date functions of two columns
select date_diff('day', t.d, r.d) as days, date_trunc('month', r.d) as m, t.b from t join r using (a)
--- generated rows by a column with a window
select id, i, sum(i) over (partition by id order by i) as run from t, range(c) g(i) where c between 1 and 4
--- generate series of dates
select id, g.x as day from t, generate_series(d, d + interval 2 day, interval 1 day) as g(x) where d is not null
--- regexp with names
select regexp_extract(b, '(x)(.*)', ['p', 'q']) as parts, id from t
--- format and printf
select format('{}-{}', b, a) as f, printf('%d', c) as p, id from t
--- coalesce over an outer join of both
select coalesce(t.a, r.a) as a, coalesce(t.b, r.k) as w, t.c from t full join r on t.a = r.a and t.b = r.k
--- natural left join of a subquery
select * from (select a, d, id from t) natural left join (select a, d, v from r)
--- using chain over three
select a, t.id, r.v, q.id as qid from t join r using (a) left join (select id as a, id from e) q using (a)
--- filter pushed through a union of two sources
select * from (select a, b as w from t union all select v, k from r) where w = 'x' and a > 0
--- two levels of limit
select id from (select id, c from t order by c, id, a, b limit 6) order by id desc, c limit 2
--- order by a case with a limit
select id, b from t order by case when f then a else c end, id, b, a, c limit 4
--- string agg over a union
select string_agg(w, ',' order by w) as ws, count(*) as n from (select b as w from t union select k from r)
--- max by with ties broken
select b, max_by(id, (c, a, id)) as best, min(d) as first_day from t group by b
--- cross join of aggregates
select t.id, q.m, p.n from t, (select max(v) as m from r) q, (select count(*) as n from e) p where t.c < q.m
--- semi join chained in a cte used twice
with q as (select * from t semi join r using (a)) select x.id, y.c from q x join q y on x.a = y.c
--- case of volatile free subqueries in group keys
select case when exists (select 1 from r where r.a = t.a) then 'in' else 'out' end as side, count(*) as n, max(c) as m from t group by 1
--- apply a filter to a windowed cte
with q as (select id, a, c, row_number() over (partition by a order by c, id, b) as n from t) select id, c from q where n = 1 and a > 0
--- union type and tag
select union_value(num := a) as u, union_tag(union_value(num := c)) as g, id from t
--- enum cast
select try_cast(b as enum ('x', 'y')) as en, id from t
--- bignum and bit
select a::bignum as big, bit_count(c) as bits, id from t
--- time bucket
select time_bucket(interval 2 day, d) as bucket, sum(c) as s from t group by all
--- hash of all columns
select hash(r) as h, v from r
--- query parameters by position in order
select b as one, c as two, a as three from t order by 3, 2, 1, id limit 3
