select 7/2, -7/2, 7/-2, 7%3, -7%3

select a/2, b/2, x/2, count(*) over () / 2 from t

select count(*)/2, sum(a)/2, avg(a), avg(b), sum(b) from t

select 7.0/2, 1/3::float8, 10/4*4

select 1/0

select 1.5/0

select 7 % 0

select round(x), round(b), round(b, 1), round(2.5), round(2.5::float8), round(-0.5) from t

select trunc(x), trunc(b), ceil(b), floor(x), ceil(-0.5), sign(b), abs(a) from t

select cast(x as int), cast(b as int), cast(2.5 as int), cast(3.5::float8 as int), cast(-2.5 as int) from t

select x::numeric(10,1), b::numeric(10,1), 7::numeric/2 from t

select s::varchar(2), a::text, b::text, d::text, ts::text, (a > 0)::text from t

select extract(dow from d), extract(isodow from d), extract(week from d), extract(quarter from d), extract(doy from d), extract(isoyear from d) from t

select extract(epoch from ts), extract(second from ts), extract(year from d)/2 from t

select date_part('dow', d), date_part('month', ts) from t

select date_trunc('week', ts), date_trunc('hour', ts), date_trunc('quarter', ts) from t

select to_char(d, 'Mon'), to_char(d, 'Day') || '|', to_char(d, 'Q'), to_char(d, 'D'), to_char(d, 'DDD') from t

select to_char(ts, 'YYYY-MM-DD HH24:MI:SS'), to_char(ts, 'FMMonth DD, YYYY'), to_char(ts, 'HH12:MI AM'), to_char(ts, 'MS') from t

select to_char(d, 'IYYY-IW'), to_char(d, 'MONTH') || '|', to_char(d, 'dy DY'), to_char(d, '"week" IW') from t

select to_char(d, 'WW') from t
refused: to_char

select to_char(a, '999') from t
refused: to_char

select d + interval '1 month', d - interval '1 year', ts + interval '2 hours', d + 1, d - date '2024-01-01' from t

select date '2024-01-31' + interval '1 month', timestamp '2024-02-29 10:00:00' - interval '1 year'

select age(d) from t
refused: age

select substring(s, 0, 3), substring(s, -1, 4), substr(s, 2), substring(s from 2 for 2), substr(s, a) from t

select left(s, 2), right(s, 2), left(s, -1), right(s, -1) from t

select length(s), char_length('ab  '), octet_length('ä') from t

select trim(s), btrim(s, 'x '), trim(both 'xa' from s), trim(leading 'x' from s), ltrim(s), rtrim(s) from t

select lpad(s, 6), lpad(s, 2, 'xy'), rpad(s, 6, 'xy'), repeat(s, 2), repeat(s, -1) from t

select strpos(s, 'b'), position('b' in s), strpos(s, ''), replace(s, 'x', 'y'), translate(s, 'abx', 'AB') from t

select split_part('a,b,c', ',', 2), split_part('a,b,c', ',', 9), split_part('a,b,c', ',', -1)

select split_part('abc', '', 1)
=> error

select s || a, s || null, concat(s, null), concat(a, d), concat_ws('-', s, null, 'z') from t

select s || x from t
refused: ||

select md5(s), upper(s), lower(s), reverse(s), ascii('a'), chr(65) from t

select s like 'a%', s like '%\_c%', s not like 'a%', s ilike 'X%' from t

select s ~ 'x+', s ~ '^x.*x$', s !~ 'x' from t

select s ~ '\d' from t
refused: ~

select s similar to 'a%' from t
refused: similar

select regexp_replace(s, 'x+', 'y', 'g') from t

select greatest(a, null, 1), least(a, 5), coalesce(a, 0)/2, nullif(a, 7)/2 from t

select a from t order by a

select a from t order by a desc limit 2

select s from t order by s nulls first

select distinct on (a > 0) a from t order by a > 0, a desc

select a > 0 as p, count(*) from t group by p order by p

select a, count(*) from t group by 1 order by 2, 1

select a + 1 as a, count(*) from t group by a
refused: a

select sum(a) over (order by a) / 2, lag(a) over (order by a), rank() over (order by s desc) from t

with q as (select a/2 as h from t) select h/2 from q

select q.h/2 from (select a as h from t union all select 5) q

select (select max(a) from t)/2, (select count(*) from t)/2

select case when a > 0 then 1 else 0 end / 2 from t

select string_agg(s, ',' order by s), bool_and(a > 0), count(*) filter (where a > 0)/2 from t

select percentile_cont(0.5) within group (order by x) from t

select a is distinct from null, '' is null, 'a' = 'a ', 'a' = 'A' from t

select s = 1 from t
refused: =

select d = '2024-02-29', ts > '2024-01-01', d in ('2024-02-29', '2021-01-03') from t

select '31/01/2024'::date
refused: '31/01/2024'

select power(a, 2), 2^3, sqrt(abs(x)), ln(abs(x) + 1), mod(a, 4), mod(b, 2) from t

select sqrt(-1)

select ln(0)

select stddev(a), variance(a), stddev_pop(x) from t

select json_build_object('a', 1)
refused: json_build_object

select (array[1,2,3])[1]
refused: array

select generate_series(1, 3)
refused: generate_series

select approx(a) from t
refused: approx

select n/2 from (values (1), (3)) as v(n)

select '2024-01-01 10:00:00+02'::timestamp
refused: '2024-01-01 10:00:00+02'

select ts at time zone 'UTC' from t
refused: ts at

select to_timestamp(0)

select sum(a::bigint)/2, sum(a)/2, sum(a::smallint)/2, avg(a)/2 from t

select sum(n)/2 from (select count(*) as n from t group by a) q

select sum(a::bigint) over () / 2, sum(a) over () / 2 from t

select sum(a::bigint) filter (where a > 0)/2 from t

select (b*1.5)/3, (b + 1.555)/2, round(b*1.5, 1), round(b/3, 2), (a/2)/3.0, (a/2.0)/3 from t

select round(1.005/1, 2), cast(1.005/1 as numeric(10,2)), cast(7.5/3 as int), round(b/0.4, 1) from t

select coalesce(b, 0.12345)/3, case when a > 0 then b else 1.2345 end / 2, abs(b)/3, greatest(b, 1.5)/2 from t

select round(avg(a)), round(avg(b), 1), round(sum(b)), floor(avg(a)) from t

select (a/3.0)::text from t
refused: ::
