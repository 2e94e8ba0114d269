--- row_number total
select id, a, c, row_number() over (order by id, a, c) as rn from t
--- row_number ties
select id, row_number() over (partition by a order by c) as rn from t
--- row_number without order
select id, row_number() over () as rn from t
--- rank
select a, b, rank() over (partition by b order by a) as rk, dense_rank() over (order by a) as dr from t
--- running sum range
select a, c, sum(c) over (order by a) as s from t
--- running sum rows
select a, c, sum(c) over (order by a, c rows between unbounded preceding and current row) as s from t
--- whole partition
select a, c, max(c) over (partition by a) as hi, count(*) over (partition by a) as n from t
--- lag lead
select id, lag(c) over (order by id, c) as p, lead(c, 1, a) over (order by id, c, a) as q from t
--- first last nth
select a, first_value(c) over w as f1, last_value(c) over w as l1, nth_value(c, 2) over w as n2 from t window w as (partition by a order by c, id rows between unbounded preceding and unbounded following)
--- ignore nulls
select id, last_value(c ignore nulls) over (order by id, c, a rows between unbounded preceding and current row) as filled from t
--- ntile
select a, c, ntile(2) over (order by a, c) as h, percent_rank() over (order by a) as pr, cume_dist() over (order by c) as cd from t
--- named windows
select id, sum(c) over w1 as s1, avg(a) over w2 as s2 from t window w1 as (partition by b), w2 as (partition by f order by d)
--- frame with expressions
select a, c, sum(c) over (order by a, c rows between 1 preceding and 1 following) as s from t
--- range frame on dates
select d, c, sum(c) over (order by d range between interval 1 day preceding and current row) as s from t
--- groups frame
select a, c, sum(c) over (order by a groups between 1 preceding and current row) as s from t
--- exclude
select a, c, sum(c) over (partition by a order by c rows between unbounded preceding and unbounded following exclude current row) as s from t
--- filter
select a, c, sum(c) filter (where f) over (partition by a) as s from t
--- qualify
select id, a, c from t qualify row_number() over (partition by a order by c, id) = 1
--- qualify rank
select a, b from t qualify rank() over (partition by b order by c desc) <= 2
--- qualify on a column only used there
select id from t qualify max(c) over (partition by a) = c
--- window over aggregate
select a, sum(c) as s, rank() over (order by sum(c)) as rk from t group by a
--- window over join
select t.id, sum(r.v) over (partition by t.b) as s from t join r using (a)
--- window list
select a, list(c) over (partition by a order by c, id) as cs from t
--- deduplicate with window and filter
select id, b from (select *, row_number() over (partition by a order by id desc, b, c, d, n, f, x) as rn from t) where rn = 1
--- window with ordered arguments
select a, first_value(b order by c, b) over (partition by a) as fb from t
--- window in expression
select id, c - avg(c) over (partition by a) as dev from t
--- distinct in window
select a, count(distinct c) over (partition by a) as n from t
