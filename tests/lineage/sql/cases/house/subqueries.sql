--- in subquery
select id from t where a in (select a from r)
--- in subquery filtered
select id from t where a in (select a from r where v > 1 and k = 'x')
--- not in subquery
select id from t where a not in (select a from r where a is not null)
--- not in with nulls
select id from t where a not in (select v from r)
--- row in subquery
select id from t where (a, b) in (select a, k from r)
--- exists
select id from t where exists (select 1 from r where r.a = t.a)
--- exists inequality
select id from t where exists (select 1 from r where r.v > t.c)
--- not exists
select id from t where not exists (select 1 from r where r.a = t.a and r.v > 1)
--- exists uncorrelated
select id from t where exists (select 1 from r where v > 2)
--- scalar
select id, (select max(v) from r) as m from t
--- scalar in where
select id from t where c > (select avg(v) from r)
--- scalar correlated
select id, (select max(v) from r where r.a = t.a) as m from t
--- scalar correlated count
select id, (select count(*) from r where r.a = t.a) as n from t
--- scalar correlated inequality
select id, (select sum(v) from r where r.a < t.a) as s from t
--- scalar correlated limit
select id, (select v from r where r.a = t.a order by v, k limit 1) as m from t
--- scalar correlated first
select id, (select v from r where r.a = t.a limit 1) as m from t
--- scalar in case
select id, case when a > (select min(v) from r) then b else 'low' end as w from t
--- any
select id from t where a = any (select v from r)
--- all
select id from t where a >= all (select v from r where v is not null)
--- mark in projection
select id, a in (select a from r) as known from t
--- exists in projection
select id, exists (select 1 from r where r.a = t.a and r.k = t.b) as known from t
--- correlated twice
select id from t where exists (select 1 from r where r.a = t.a and exists (select 1 from e where e.id = r.v and e.parent = t.c))
--- correlated in having
select a, count(*) as n from t group by a having count(*) > (select count(*) from r where r.a = t.a)
--- correlated grouped
select id, (select max(n) from (select count(*) as n from r where r.a = t.a group by k)) as m from t
--- subquery in join condition
select t.id from t join r on t.a = r.a and r.v = (select max(v) from r)
--- subquery in order by with limit
select id, a, b from t order by (select max(v) from r where r.a = t.a), id, a, b limit 3
--- derived twice
select q.a, p.n from (select a, count(*) as n from t group by a) p join (select distinct a from r) q on p.a = q.a
--- array subquery
select id, array(select v from r where r.a = t.a order by v) as vs from t
--- in tuple of columns
select id from t where 1 in (a, c)
--- correlated window
select id, (select sum(rn) from (select row_number() over (order by v, k, a, d) as rn from r where r.a = t.a)) as s from t
