--- comprehension over a column and another
select [e + v for e in ll[1]] as plus, [e for e in ll[1] if e > s.p] as some, id from deep
--- comprehension nested
select [[f + id for f in e] for e in ll] as moved, v from deep
--- comprehension over a subquery
select id, [e * v for e in (select list(a order by a, id) from t)] as scaled from deep
--- lambda with index
select list_transform(ll[1], lambda e, i: e * i + v) as scaled, list_filter(ll[1], lambda e, i: i > id) as later, s.p as p from deep
--- lambda reduce with an initial column
select list_reduce(ll[1], lambda a, b: a + b, v) as total, list_reduce(ll[1], lambda a, b, i: a + b * i, id) as weighted, s.p as p from deep
--- lambda of a struct field
select list_transform(lt, lambda e: e.t.u + v) as us, list_filter(lt, lambda e: e.t.w = s.t.w) as ws, id from deep
--- lambda in a filter
select id, v from deep where len(list_filter(ll[1], lambda e: e = s.p)) > 0
--- lambda in an aggregate
select list(list_transform(ll[1], lambda e: e + v) order by id, v) as ls, max(s.p) as p from deep
--- lambda in a lateral join
select d.id, u.e from deep d, unnest(list_transform(d.ll[1], lambda x: x + d.v)) as u(e)
--- lambda over a zipped list
select list_transform(list_zip(ll[1], ll[2]), lambda z: z[1] + v) as firsts, id from deep
--- lambda over a list of another row
select id, list_transform(lag(ll[1]) over (order by id, v), lambda e: e + v) as before, s.p as p from deep
--- lambda capturing a window
select id, list_transform(ll[1], lambda e: e + sum(v) over (partition by s.p)) as summed from deep
--- lambda capturing a lambda's capture
select list_transform(ll, lambda e: list_transform(e, lambda f: f + len(e) + v)) as deep_one, id from deep
--- list sort by another column's flag
select case when v > 1 then list_sort(ll[1], 'DESC') else list_sort(ll[1], 'ASC', 'NULLS LAST') end as sorted, id from deep
--- list grade up and select
select list_select(ll[1], list_grade_up(ll[2])) as picked, list_where(ll[1], [(v > 1) is true]) as kept, id from deep
--- list aggregate by name
select list_aggregate(ll[1], 'sum') as total, list_aggregate([id, v], 'max') as top, s.p as p from deep
--- list slice by columns
select ll[1][v:id] as part, ll[1][:-v] as rest, s.p as p from deep
--- list in list
select list_has_any(ll[1], [id, v]) as some, list_position(ll[1], v) as at, s.p as p from deep
--- struct star nested
select d.id, t.* from (select id, s.t as t from deep) d
--- struct star excluded
select t.* exclude (u), id from (select id, s.t as t from deep) d
--- struct recursively unnested
select unnest(s, recursive := true), id from deep
--- list of structs recursively unnested
select id, v, unnest(lt, recursive := true) from deep
--- lists unnested to a depth
select id, unnest(ll, max_depth := 2) as e, v from deep
--- nested struct update
select struct_insert(s, z := v).z as z, struct_update(s, p := id).p as p, s.t.u as u from deep
--- struct rebuilt by position
select struct_extract_at(row(id, v), 2) as second, {'a': {'b': v, 'c': id}}.a.c as c, s.p as p from deep
--- struct in order by
select id, v from deep order by s.t, id, v limit 4
--- struct compared
select d.id, d.v from deep d where d.s.t > {'u': d.v, 'w': 'x'}
--- struct of a subquery's row
select id, (select r from r order by all limit 1).k as k, v from deep
--- struct distinct on a field
select distinct on (s.t.u) s.t.u as u, id, v from deep order by s.t.u, id, v
--- struct field shadowed by a column
select s.v, s.k from (select {'v': id, 'k': v} as s, s.p as v from deep) s
