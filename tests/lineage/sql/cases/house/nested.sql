--- unnest in select
select id, unnest(l) as e from nest
--- unnest in from
select id, u.e from nest, unnest(l) as u(e)
--- unnest in from filtered
select nest.id, u.e from nest, unnest(nest.l) as u(e) where u.e > 1
--- unnest structs
select id, unnest(ls, recursive := true) from nest
--- unnest struct
select id, unnest(s) from nest
--- two unnests
select id, unnest(l) as e, unnest(ls) as g from nest
--- struct fields
select s.p as p, s.q as q, s['p'] as p2 from nest
--- struct build
select {'i': id, 'len': len(l)} as st, struct_pack(k := s.q) as st2 from nest
--- struct filter
select id from nest where s.p > 1
--- list index and slice
select l[1] as f1, l[1:2] as sl, l[-1] as last from nest
--- list functions
select list_sort(l) as ls2, list_sum(l) as su, list_contains(l, 1) as has, len(l) as n from nest
--- list build
select [id, s.p] as pair, list_value(id, 1) as one from nest
--- map access
select m['x'] as mx, map_keys(m) as mk, cardinality(m) as card from nest
--- lambda
select list_transform(l, lambda e: e + 1) as inc, list_filter(l, lambda e: e > 1) as big from nest
--- lambda capture
select list_transform(l, lambda e: e + id) as inc, list_filter(l, lambda e: e > s.p) as big from nest
--- lambda reduce
select list_reduce(l, lambda p, q: p + q, 0) as total from nest
--- nested lambda
select list_transform(l, lambda e: list_sum(list_transform(l, lambda g: g * e + id))) as w from nest
--- comprehension
select [e * 2 for e in l if e > 1] as twice from nest
--- list aggregate then unnest
select unnest(list_distinct(list(id))) as i from nest
--- generate series from a column
select id, g.i from nest, generate_series(1, id) as g(i)
--- range lateral
select id, g.i from nest, range(len(l)) as g(i) where g.i > 0
--- range in select
select id, range(id) as rg from nest where id < 5
--- unnest of constants
select id, unnest([1, 2]) as one_two from nest
--- unnest with ordinality
select id, u.e, u.o from nest, unnest(l) with ordinality as u(e, o)
--- json
select j::json->>'k' as k, json_extract(j, '$.v') as v from nest where json_valid(j)
--- row and struct comparison
select id from nest where row(id, s.p) > row(1, 1)
--- struct update
select struct_insert(s, z := id) as s2 from nest
--- list of structs
select id, list_transform(ls, lambda z: z.p) as ps from nest
--- flatten
select flatten([l, l]) as ll from nest
--- unnest of a list of lists
select unnest(q) as e from (select unnest([l, [id]]) as q from nest)
--- list agg of struct join
select n.id, list({'v': r.v} order by r.v, r.k, r.a) as vs from nest n join r on r.a = n.id group by n.id
--- array type
select array_value(id, s.p) as arr from nest
--- unnest correlated subquery
select id, (select sum(e) from unnest(l) as u(e)) as total from nest
