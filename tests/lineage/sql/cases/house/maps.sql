--- map literal
select MAP {'i': id, 'v': v} as made, MAP {coalesce(b, ''): v} as keyed from deep join t using (id)
--- map literal of constants indexed by a column
select MAP {1: 'one', 2: 'two'}[v] as word, id from deep
--- map literal with a subquery
select MAP {'n': (select max(a) from t), 'v': v} as made, id from deep
--- map from lists
select map([coalesce(id, 0)], [v]) as made, map(['a', 'b'], [id, v]) as two from deep
--- map from entries
select map_from_entries([{'k': coalesce(id, 0), 'v': v}]) as made, s.p as p from deep
--- map from entries of a subquery
select id, map_from_entries((select list({'k': r.k, 'v': r.v} order by r.k, r.v) from (select distinct on (k) * from r where k is not null order by k, v, a, d) r)) as made from deep
--- map entries
select map_entries(m) as es, map_values(ml) as vs, id from deep
--- map keys and values
select map_keys(m) as ks, map_values(m) as vs, cardinality(ml) as n, id from deep
--- map subscript by a column
select m[v] as one, ml['x'][v] as two, id from deep
--- element_at
select element_at(m, v) as one, element_at(ml, 'x') as two, id as three from deep
--- map_extract
select map_extract(m, 1) as l, map_extract_value(m, id) as e, v from deep
--- map_contains filters
select id, v from deep where map_contains(m, 2)
--- map_contains_value in case
select id, case when map_contains_value(m, 'x') then v else s.p end as e from deep
--- map_concat
select map_concat(m, MAP {coalesce(id, 9): 'z'}) as both, v from deep
--- map unnested
select id, unnest(map_entries(m)) as e, v from deep
--- map keys unnested in from
select id, k.k, d.v from deep d, unnest(map_keys(d.ml)) as k(k)
--- map value by unnested key
select d.id, k.k, d.ml[k.k] as l from deep d, unnest(map_keys(d.ml)) as k(k) where len(d.ml[k.k]) > 0
--- struct within a map
select ms['x'].p as p, ms['x'] as whole, id from deep
--- group by a map
select m, count(*) as n, max(v) as mv from deep group by m
--- map of aggregates
select MAP {'n': count(*), 'm': max(v)} as agg, min(s.p) as p from deep
--- histogram is a map
select histogram(v)[1] as ones, map_keys(histogram(s.p)) as ps, count(id) as n from deep
--- map in a join condition
select d.id, e.name from deep d join e on d.m[e.id] = e.name
--- map in order by with limit
select id, v from deep order by m[1], id, v limit 3
--- map transformed by lambda
select map_from_entries(list_transform(map_entries(m), lambda e: {'k': e.key + coalesce(id, 0), 'v': e.value})) as moved, v from deep
--- map entries filtered by lambda
select list_filter(map_entries(m), lambda e: e.key > v) as some, id from deep
