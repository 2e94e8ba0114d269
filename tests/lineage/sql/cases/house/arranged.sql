--- last value beside a sorted window
select id, last_value(f) over () as z, min(b) over (order by n desc rows between 1 preceding and current row) as m from t
--- limit with ties after windows of two orders
select id, b, rank() over (partition by a order by c) as rk, rank() over (order by n) as rn from t order by b limit 4
--- limit with ties after a left join of one row each
select b, d from (select t.b, t.d, q.m from t left join (select a, max(v) as m from r group by a) q on t.a = q.a) order by b limit 4
--- limit with ties after a lateral aggregate
select t.b, q.s from t left join lateral (select string_agg(k, '') as s from r where r.a is not distinct from t.c) q on true order by t.b limit 3
--- first of a filtered join
select first(t.b) as fb, string_agg(r.k, '') as ks from t join r on t.a = r.a where r.v > 0 and t.c > 0
--- limit with ties over a correlated list
select c, f, d, (select string_agg(w, ',') from (select e.id, side.w from e, lateral (select mode(grp) as w from ev where e.id = ev.val) side) q where t.a < q.id) as z from t order by c limit 4
--- limit without order over a semi join in a lateral subquery
select o.customer, side.w from sales.orders o, lateral (select first(l) as w from (select * from nest where exists (select 1 from r where nest.id < r.a)) q where o.order_id is not distinct from q.id) side limit 4
