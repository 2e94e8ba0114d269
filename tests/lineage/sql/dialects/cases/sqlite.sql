select 7/2, -7/2, 7%3, -7%3, 1/0, 1.5/0

select a/2, x/2, a/2.0, count(*) over () / 2 from t

select sum(a)/2, avg(a), avg(x), total(a), count(*)/2 from t

select 0.1 + 0.2 = 0.3, 3 * 1.1

select 7.5 % 2
refused: %

select round(x), round(2.5), round(-2.5), round(a) from t

select round(2.675, 2)
refused: round

select cast(x as integer), cast(-2.7 as integer), cast(a as real)/2, cast(a as text) from t

select cast('12abc' as integer)
refused: '12abc'

select cast(x as text) from t
refused: cast

select length(s), upper(s), lower(s), replace(s, 'x', 'y'), instr(s, 'b') from t

select substr(s, 1, 2), substr(s, 2), substr(s, 2, 100) from t

select substr(s, 0, 3) from t
refused: substr

select trim(s), ltrim(s), rtrim(s), trim(s, 'xa') from t

select s || a, s || null, a || '' from t

select s || x from t
refused: ||

select s like 'XX%', s like '%B%', s like 'ä%', s not like 'x%' from t

select s glob 'x*' from t
refused: glob

select s = 'ab', 'a' = 'A', 'a' = 'a ', '' is null from t

select s = 1 from t
refused: =

select a is null, a is 7, a is not 7 from t

select ifnull(a, 1), coalesce(a, 2), nullif(a, 7), iif(a > 0, 1, 2) from t

select strftime('%Y-%m', d), strftime('%w', d), strftime('%j', d), strftime('%H:%M:%S', ts) from t

select strftime('%W', d) from t
refused: strftime

select julianday(d) from t
refused: julianday

select date(d, '+1 month') from t
refused: date

select max(a, 3), min(a, 3) from t

select a from t order by a

select a from t order by a desc limit 2

select sum(a > 0), group_concat('x', '-') from t

select a, count(*) from t group by a order by 1

select typeof(a) from t
refused: typeof

select a << 1 from t
refused: <<

select sum(a) over (order by a), lag(a) over (order by a), row_number() over (order by a desc) from t
