-- Arithmetic operators, Division: S = max(S1, min(S1 + 6, 12)), rounded half away from zero
select 7/2, 1/3, 5/9, -5/9
=> [3.5, 0.333333, 0.555556, -0.555556]

-- Arithmetic operators, Division: scale of the numerator plus 6
select 1.0/3, 2.50/3
=> [0.3333333, 0.83333333]

-- Arithmetic operators: division by zero is an error
select 1/0
=> error

-- MOD: sign of the dividend
select mod(-7, 3), -7 % 3
=> [-1, -1]

-- AVG (Snowpark API): 1.666667 for 1, 2, 2
select avg(n) from (select 1 as n union all select 2 union all select 2) q
=> [1.666667]

-- Data type conversion: fixed-point values are rounded half away from zero
select cast(2.5 as int), cast(-2.5 as int), cast(1.5::float as int)
=> [3, -3, 2]

-- Numeric data types: NUMBER without digits is NUMBER(38, 0)
select cast(2.7 as number)
=> [3]

-- ROUND: half away from zero
select round(2.5), round(-2.5), round(2.345, 2)
=> [3, -3, 2.35]

-- DAYOFWEEK with WEEK_START 0: 0 is Sunday; DAYOFWEEKISO
select dayofweek('2024-12-01'::date), dayofweekiso('2024-12-01'::date), week('2021-01-03'::date)
=> [0, 7, 53]

-- Supported date and time parts: dayofweek, quarter
select extract(dayofweek from '2024-12-01'::date), date_part(quarter, '2024-12-01'::date)
=> [0, 4]

-- DAYNAME, MONTHNAME: three letters
select dayname('2024-12-01'::date), monthname('2024-12-01'::date)
=> ["Sun", "Dec"]

-- TO_CHAR, date and time formats: MON, DY, MMMM
select to_char('2024-12-01'::date, 'MON DY'), to_char('2024-12-01'::date, 'DD MMMM YYYY')
=> ["Dec Sun", "01 December 2024"]

-- Date and time formats: Q is not an element
select to_char('2024-12-01'::date, 'Q')
=> ["Q"]
refused: to_char

-- DATEDIFF: parts that are crossed, not elapsed
select datediff(month, '2024-11-28'::date, '2024-12-05'::date), datediff(year, '2023-12-31'::date, '2024-01-01'::date)
=> [1, 1]

-- DATEDIFF: week depends on WEEK_START
select datediff(week, '2024-11-30'::date, '2024-12-01'::date)
=> [0]
refused: datediff

-- DATEADD: the last day of a shorter month
select dateadd(month, 1, '2024-01-31'::date), dateadd(day, 1, '2024-02-28'::date)
=> ["2024-02-29", "2024-02-29"]

-- ADD_MONTHS: the last day of a month stays the last day
select add_months('2024-02-29'::date, 1)
=> ["2024-03-31"]
refused: add_months

-- DATE_TRUNC: weeks begin on Monday with WEEK_START 0
select date_trunc('week', '2024-12-01'::date), date_trunc(month, '2024-12-15'::date)
=> ["2024-11-25", "2024-12-01"]

-- GREATEST: null if any argument is
select greatest(1, null, 2), least(1, null)
=> [null, null]

-- CONCAT, ||: null if any argument is
select concat('a', null), 'a' || null, concat('a', 1)
=> [null, null, "a1"]

-- SUBSTR: positions from 1
select substr('hello', 2, 3), left('hello', 2), right('hello', 2), left('hello', -1)
=> ["ell", "he", "lo", ""]

-- SUBSTR: negative positions count from the end
select substr('hello', -3, 2)
=> ["ll"]
refused: substr

-- SPLIT_PART: 0 counts as 1, negative ones from the end
select split_part('a.b.c', '.', 0), split_part('a.b.c', '.', -1), split_part('a.b.c', '.', 9)
=> ["a", "c", ""]

-- REGEXP_LIKE, RLIKE: implicitly anchored at both ends
select regexp_like('abc', 'b'), 'abc' rlike 'a.c'
=> [false, true]

-- NVL2, IFF, ZEROIFNULL
select nvl2(null, 1, 2), iff(1 > 2, 'a', 'b'), zeroifnull(null::int), nvl(null, 3)
=> [2, "b", 0, 3]

-- DECODE: nulls are equal to nulls
select decode(null, null, 1, 2)
=> [1]
refused: decode

-- ORDER BY: nulls are higher than all other values
select a from t order by a desc limit 1
=> [null]

-- LIKE: no default escape character
select 'a\\b' like 'a\\b', 'AB' ilike 'ab%'
=> [true, true]

-- TRY_CAST
select try_cast('12' as int)
=> [12]

-- Semi-structured data, traversing: v:path
select parse_json('{"a": 1}'):a
=> [1]
refused: :

-- LISTAGG: an empty text for no rows
select listagg(s, ',') from t where a > 100
=> [""]

-- QUALIFY
select a from t qualify row_number() over (order by a desc nulls last) = 1
=> [7]

-- APPROX_COUNT_DISTINCT: HyperLogLog
select approx_count_distinct(a) from t
=> [4]
refused: approx_count_distinct

-- String comparison: binary, trailing blanks count
select 'a' = 'A', 'a' = 'a ', '' is null
=> [false, false, false]

-- TO_DATE: AUTO detection of formats
select to_date('12/31/2024')
=> ["2024-12-31"]
refused: to_date

-- GENERATOR, SEQ4 and FLATTEN
select seq4()
=> [0]
refused: seq4

-- Arithmetic operators: digits of a quotient of a quotient, of a product
select (7/2)/3, (1.25*1.5)/3, (2.5/3)/3
=> [1.166666666667, 0.625, 0.277777766667]

-- Arithmetic operators, Multiplication: at most twelve digits after the point
select 0.1234567 * 0.1234567
=> [0.015241556775]
refused: *
