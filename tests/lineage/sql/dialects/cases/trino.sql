-- Mathematical functions and operators: integer division truncates; % keeps the sign of the dividend
select 7/2, -7/2, 7%3, -7%3
=> [3, -3, 1, -1]

-- Mathematical functions and operators: division by zero of integers
select 1/0
=> error

-- Decimal functions and operators: x / y has the scale max(xs, ys)
select 1.0/3, 10.00/3, 2.0/3
=> [0.3, 3.33, 0.7]

-- Aggregate functions, avg, count, sum
select avg(a), count(*)/2, sum(a)/2 from t
=> [0.75, 2, 1]

-- Aggregate functions, avg of a decimal: its type
select avg(b) from t
=> [0.25]
refused: avg

-- Conversion functions, cast to integer: rounds half up
select cast(2.5 as integer), cast(-2.5 as integer), cast(double '1.5' as bigint)
=> [3, -3, 2]

-- Mathematical functions, round, truncate, ceiling
select round(2.5), round(-2.5), truncate(double '-2.7'), ceiling(-0.5)
=> [3, -3, -2, 0]

-- Date and time functions, day_of_week: 1 (Monday) to 7 (Sunday)
select day_of_week(date '2024-12-01'), extract(dow from date '2024-12-01'), week(date '2021-01-03'), year_of_week(date '2021-01-03')
=> [7, 7, 53, 2020]

-- Date and time functions, date_diff: whole units that have elapsed
select date_diff('day', timestamp '2024-01-01 23:00:00', timestamp '2024-01-02 01:00:00'), date_diff('day', date '2024-02-01', date '2024-03-01')
=> [0, 29]

-- Date and time functions, date_diff (Joda-Time): from the last day of a month to that of the next one is a month
select date_diff('month', date '2024-01-31', date '2024-02-29')
=> [1]
refused: date_diff

-- Date and time functions, date_add: end of month
select date_add('month', 1, date '2024-01-31'), date_add('day', -1, date '2024-03-01')
=> ["2024-02-29", "2024-02-29"]

-- Date and time operators: date + interval is a date
select date '2024-01-31' + interval '1' month, date '2024-01-31' - interval '1' day
=> ["2024-02-29", "2024-01-30"]

-- Date and time functions, date_trunc
select date_trunc('week', date '2024-12-01'), date_trunc('month', date '2024-12-15')
=> ["2024-11-25", "2024-12-01"]

-- Date and time functions, MySQL date functions: %i minutes, %s seconds, %M month name
select date_format(timestamp '2024-12-01 13:05:09', '%Y-%m-%d %H:%i:%s'), date_format(timestamp '2024-12-01 13:05:09', '%M %W')
=> ["2024-12-01 13:05:09", "December Sunday"]

-- Date and time functions, Java date functions: format_datetime
select format_datetime(timestamp '2024-12-01 13:05:09', 'e')
=> ["7"]
refused: format_datetime

-- String functions, substring: positions from 1
select substr('hello', 2, 3), substring('hello', 4)
=> ["ell", "lo"]

-- String functions, substring: a start of 0 gives an empty text
select substr('hello', 0, 2)
=> [""]
refused: substr

-- String functions, concat and ||: null if any is
select concat('a', null), 'a' || null
=> [null, null]

-- String functions, split_part: null beyond the last part
select split_part('a,b', ',', 2), split_part('a,b', ',', 3)
=> ["b", null]

-- String functions, length, strpos, reverse
select length('ab  '), strpos('abc', 'c'), reverse('abc'), starts_with('abc', 'a')
=> [4, 3, "cba", true]

-- Comparison functions, greatest: null if any argument is
select greatest(1, null), least(1, 2)
=> [null, 1]

-- SELECT, ORDER BY: NULLS LAST regardless of the direction
select a from t order by a desc limit 1
=> [7]

-- Regular expression functions, regexp_like: contained
select regexp_like('1a 2b', '[0-9]+b'), regexp_replace('1a 2b', '[0-9]', '-')
=> [true, "-a -b"]

-- Regular expression functions, regexp_extract: null without a match
select regexp_extract('abc', 'x')
=> [null]
refused: regexp_extract

-- Conversion functions, cast to varchar(n) truncates
select cast('hello' as varchar(2)), cast(12 as varchar), cast(true as varchar)
=> ["he", "12", "true"]

-- Conversion functions: text of a double
select cast(double '1e10' as varchar)
=> ["1.0E10"]
refused: cast

-- Mathematical functions: not a number
select is_nan(sqrt(-1))
=> [true]
refused: is_nan

-- Array functions and operators, subscript from 1
select array[1, 2][1]
=> [1]
refused: array

-- Aggregate functions, approx_distinct
select approx_distinct(a) from t
=> [4]
refused: approx_distinct

-- Binary functions, md5: takes varbinary
select to_hex(md5(to_utf8('a')))
=> ["0CC175B9C0F1B6A831C399E269772661"]
refused: to_utf8

-- Date and time functions, from_unixtime: session zone
select from_unixtime(0)
=> ["1970-01-01 00:00:00+00"]
refused: from_unixtime

-- Conditional expressions, if, coalesce, nullif
select if(1 > 2, 'a', 'b'), coalesce(null, 3), nullif(7, 7)
=> ["b", 3, null]

-- String functions, trim: white space
select trim('  a '), rtrim('a  ')
=> ["a", "a"]
