--- inner using
select id, v from t join r using (a)
--- inner on
select t.id, r.v from t join r on t.a = r.a and r.v > 1
--- inner on or
select t.id, r.k from t join r on t.a = r.a or t.b = r.k
--- inequality
select t.id, r.v from t join r on t.a < r.v
--- left
select t.id, r.v from t left join r on t.a = r.a
--- left filtered on the right
select t.id, r.v from t left join r on t.a = r.a where r.v > 1
--- left filtered in on
select t.id, r.v from t left join r on t.a = r.a and r.v > 1
--- left filtered on the left in on
select t.id, r.v from t left join r on t.a = r.a and t.c > 1
--- left filtered on both in on
select t.id, r.v from t left join r on t.a = r.a and (t.c > 1 or r.v > 1)
--- left anti by null
select t.id from t left join r on t.a = r.a where r.a is null
--- left filtered where left
select t.id, r.v from t left join r on t.a = r.a where t.c = 1
--- right
select t.id, r.v from t right join r on t.a = r.a where r.k = 'x'
--- full
select t.id, r.v from t full join r using (a)
--- full filtered
select coalesce(t.a, r.a) as a from t full join r on t.a = r.a where t.c > 1 or t.c is null
--- cross
select t.id, r.v from t cross join r where t.a = r.a
--- cross without condition
select t.id from t, r
--- natural
select * from (select a, c from t) natural join (select a, v from r)
--- semi
select id, b from t semi join r using (a)
--- semi on
from t semi join r on t.a > r.a and t.b = r.k
--- anti
select id from t anti join r using (a)
--- anti filtered
select id from t anti join (select a from r where v > 1) q using (a) where c > 0
--- asof
select ev.at, ev.val, q.v from ev asof join (select a, v from r) q on ev.at >= q.a
--- asof left
select ev.at, q.k from ev asof left join r q on ev.val = q.v and ev.at >= q.a
--- positional
select t.a, r.v from t positional join r
--- three tables
select t.id, r.v, e.name from t join r on t.a = r.a join e on e.id = r.v where e.parent is not null and t.b = 'x'
--- self join
select p.name, q.name as child from e p join e q on q.parent = p.id
--- self join with filters
select p.name, q.name as child from e p left join e q on q.parent = p.id and q.id > 1 where p.parent is null
--- join on expressions
select t.id, r.v from t join r on t.a + 1 = r.a and upper(t.b) = upper(r.k)
--- join with cast
select t.id from t join r on t.a::varchar = r.k
--- join a subquery
select t.id, q.total from t join (select a, sum(v) as total from r group by a) q on q.a = t.a
--- left join a grouped subquery
select t.id, q.total from t left join (select a, sum(v) as total from r group by a) q on q.a = t.a
--- left join a distinct subquery
select t.id from t left join (select distinct a from r) q using (a)
--- join condition is not distinct
select t.id from t join r on t.a is not distinct from r.a
--- mixed joins
select t.id, r.v, e.name from t left join r on t.a = r.a inner join e on e.id = t.c
--- nested right side
select t.id, q.name from t left join (r join e on e.id = r.v) q on q.a = t.a
--- lateral
select t.id, q.m from t, lateral (select max(v) as m from r where r.a = t.a) q
--- lateral left join
select t.id, q.v from t left join lateral (select v from r where r.a = t.a and r.v > t.c) q on true
--- lateral limit
select t.id, q.v from t, lateral (select v from r where r.a = t.a order by v limit 1) q
--- lateral expression
select t.id, q.s from t, (select t.a + t.c as s) q
