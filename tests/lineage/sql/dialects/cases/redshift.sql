-- Computations with numeric values, Return types: INT4 / INT4 is INT4
select 7/2, -7/2, 7%3, -7%3
=> [3, -3, 1, -1]

-- Computations with numeric values: division of a BIGINT
select count(*)/2, sum(a)/2 from t
=> [2, 1]

-- Computations with numeric values, Precision and scale of a quotient
select 1.0/3
=> [0.333333333333]
refused: /

-- AVG: BIGINT for any integer type argument
select avg(a) from t
=> [0]

-- AVG: the scale of the argument for NUMERIC
select avg(b) from t
=> [0.25]
refused: avg

-- CAST, numeric to integer
select cast(2.5 as int)
=> [3]
refused: cast

-- DATE_PART, dow: 0 is Sunday; week: ISO
select date_part(dow, date '2024-12-01'), extract(week from date '2021-01-03'), extract(quarter from date '2024-12-01')
=> [0, 53, 4]

-- TO_CHAR, Datetime format strings
select to_char(date '2024-12-01', 'Mon'), to_char(date '2024-12-01', 'Q'), to_char(date '2024-12-01', 'YYYY-MM-DD')
=> ["Dec", "4", "2024-12-01"]

-- TO_CHAR, Numeric format strings
select to_char(12, '999')
=> ["  12"]
refused: to_char

-- DATEDIFF: boundaries that are crossed
select datediff(month, date '2024-11-28', date '2024-12-05'), datediff(year, date '2023-12-31', date '2024-01-01'), datediff(day, date '2024-02-01', date '2024-03-01')
=> [1, 1, 29]

-- DATEDIFF: weeks begin on Sunday
select datediff(week, date '2024-11-30', date '2024-12-01')
=> [1]
refused: datediff

-- DATEADD: returns a timestamp; end of month
select dateadd(month, 1, date '2024-01-31')
=> ["2024-02-29 00:00:00"]

-- ADD_MONTHS: the last day of a month stays the last day
select add_months(date '2024-02-29', 1)
=> ["2024-03-31 00:00:00"]
refused: add_months

-- DATE_TRUNC: weeks begin on Monday
select date_trunc('week', timestamp '2024-12-01 13:00:00')
=> ["2024-11-25 00:00:00"]

-- LAST_DAY
select last_day(date '2024-02-01')
=> ["2024-02-29"]

-- GREATEST and LEAST: nulls are ignored
select greatest(1, null, 2), least(null, 3)
=> [2, 3]

-- CONCAT: null if one argument is; ||
select concat('a', null), 'a' || null
=> [null, null]

-- NVL, NVL2
select nvl(null, 1), nvl2(null, 1, 2)
=> [1, 2]

-- DECODE: null equals null
select decode(null, null, 1, 2)
=> [1]
refused: decode

-- SUBSTRING: starts of 1 or more
select substring('caterpillar', 6, 4), left('abc', 2), right('abc', 2)
=> ["pill", "ab", "bc"]

-- SUBSTRING: a start before the first character
select substring('caterpillar', -2, 4)
=> ["c"]
refused: substring

-- LEN: trailing blanks of VARCHAR count; STRPOS, CHARINDEX
select len('ab  '), strpos('abc', 'c'), charindex('c', 'abc')
=> [4, 3, 3]

-- MD5
select md5('a')
=> ["0cc175b9c0f1b6a831c399e269772661"]

-- ORDER BY: nulls last for ASC, first for DESC
select a from t order by a desc limit 1
=> [null]

-- LIKE: default escape
select 'a_b' like 'a\\_b', 'axb' like 'a\\_b'
=> [true, false]

-- POSIX operators: classes \d
select 'a1' ~ '[0-9]'
=> [true]

-- ROUND: decimals
select round(28.05, 1), trunc(2.7)
=> [28.1, 2]

-- GETDATE
select getdate() is null
=> [false]
refused: getdate

-- APPROXIMATE COUNT
select approximate_percentile(a) from t
=> [0]
refused: approximate_percentile

-- MONTHS_BETWEEN: 31-day months
select months_between(date '2024-02-29', date '2024-01-01')
=> [1.903225806451613]
refused: months_between

-- QUALIFY clause
select a from t qualify row_number() over (order by a desc nulls last) = 1
=> [7]
