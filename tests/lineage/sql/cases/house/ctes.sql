--- cte
with q as (select a, c from t where f) select a, sum(c) as s from q group by a
--- unused column of cte
with q as (select a, c, b, n from t) select a from q where b = 'x'
--- unused failing column of cte
with q as (select a, b::integer as bi from t) select a from q
--- cte twice
with q as (select a, c from t where c > 0) select x.a, y.c from q x join q y on x.a = y.a
--- materialized
with q as materialized (select a, b from t) select * from q where a > 1
--- not materialized
with q as not materialized (select a, b from t) select * from q where a > 1
--- chain
with q as (select a, c from t), p as (select a, sum(c) as s from q group by a), o as (select * from p where s > 1) select o.a, r.v from o join r using (a)
--- shadowing
with t as (select v as a from r) select a from t
--- shadowing itself
with t as (select a, c from t where c > 1) select a from t
--- nested
with q as (with p as (select a from r) select a from p) select q.a, t.b from q join t using (a)
--- nested shadowing
with q as (select a from t) select * from (with q as (select v as a from r) select a from q) z
--- unused cte
with q as (select k from r) select a from t
--- cte in subquery
with q as (select max(v) as m from r) select id from t where c < (select m from q)
--- recursive
with recursive w(id, depth) as (select id, 0 from e where parent is null union all select e.id, depth + 1 from e join w on e.parent = w.id where depth < 5) select * from w
--- recursive union distinct
with recursive w(id, root) as (select id, name from e where id = 1 union select e.id, w.root from e join w on e.parent = w.id) select * from w
--- recursive counter
with recursive w(n) as (select 1 union all select n + 1 from w where n < (select max(v) from r)) select n from w where n < 6
--- recursive with a correlated step
with recursive w(id, lim) as (select id, 3 from e union select e.id, w.lim - 1 from e, w where e.parent = w.id and w.lim > 0 and exists (select 1 from r where r.v = e.id)) select id, lim from w
--- column names of cte
with q(x1, y1) as (select a, b from t) select y1, x1 from q
--- filter through cte used once
with q as (select a, b, c from t) select a from q where b = 'x' and c > 1
--- filter through two ctes
with q as (select a, b, c from t), p as (select a, c from q where b = 'x') select c from p where a = 1
--- cte in set operation
with q as (select a from t) select a from q union all select v from r union all select a from q
--- recursive using key
with recursive w(id, n) using key (id) as (select id, 0::bigint from e where parent is null union select e.id, w.n + 1 from e join w on e.parent = w.id where w.n < 5) select * from w
