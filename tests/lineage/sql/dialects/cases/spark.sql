-- SQL Reference, Operators: a / b is always floating point division; div
select 7/2, -7/2, 7 div 2, -7 div 2, 7 % 3, -7 % 3
=> [3.5, -3.5, 3, -3, 1, -1]

-- ANSI Compliance, Arithmetic Operations: division by zero
select 1/0
=> error

-- Built-in Functions, sum, count: bigint
select sum(a)/2, count(*)/2 from t
=> [1.5, 2.5]

-- Data Types, DecimalType: scale of a quotient
select b/3 from t
=> [0.833333]
refused: /

-- ANSI Compliance, Cast: fractions are cut
select cast(2.7 as int), cast(-2.7 as int), cast(2.5D as bigint)
=> [2, -2, 2]

-- ANSI Compliance, Cast: decimals are rounded half up
select cast(2.675D as decimal(10,2)), cast(b as decimal(10,1)) from t
=> [2.68, 2.5]

-- Built-in Functions, round: HALF_UP
select round(2.5D), round(-2.5D), round(2.675, 2)
=> [3, -3, 2.68]

-- Built-in Functions, bround: HALF_EVEN
select bround(2.5)
=> [2]
refused: bround

-- Built-in Functions, dayofweek: 1 = Sunday
select dayofweek(date'2024-12-01'), weekday(date'2024-12-01'), extract(dow from date'2024-12-01')
=> [1, 6, 1]

-- Built-in Functions, weekofyear: ISO 8601
select weekofyear(date'2021-01-03'), quarter(date'2024-12-01')
=> [53, 4]

-- Datetime Patterns: MMM, EEEE
select date_format(date'2024-12-01', 'MMM'), date_format(date'2024-12-01', 'EEEE'), date_format(date'2024-12-01', 'yyyy-MM-dd')
=> ["Dec", "Sunday", "2024-12-01"]

-- Datetime Patterns: D is the day of the year
select date_format(date'2024-12-01', 'D')
=> ["336"]
refused: date_format

-- Built-in Functions, add_months: the day is clipped
select add_months(date'2024-01-31', 1), add_months(date'2024-02-29', 12)
=> ["2024-02-29", "2025-02-28"]

-- Built-in Functions, datediff(end, start)
select datediff(date'2024-03-01', date'2024-02-01'), date_add(date'2024-02-28', 2), date_sub(date'2024-03-01', 1)
=> [29, "2024-03-01", "2024-02-29"]

-- Built-in Functions, months_between: 31-day months
select months_between(date'2024-02-29', date'2024-01-01')
=> [1.90322581]
refused: months_between

-- Built-in Functions, date_trunc, trunc: weeks begin on Monday
select date_trunc('week', timestamp'2024-12-01 13:00:00'), trunc(date'2024-12-01', 'month')
=> ["2024-11-25 00:00:00", "2024-12-01"]

-- SQL Reference, Operators: date plus interval is a date
select date'2024-01-31' + interval 1 month, date'2024-01-31' + 1
=> ["2024-02-29", "2024-02-01"]

-- Built-in Functions, concat: null if any is
select concat('a', null), concat_ws('-', 'a', null, 'b'), 'a' || null
=> [null, "a-b", null]

-- Built-in Functions, substring: 0 counts as 1
select substring('hello', 0, 2)
=> ["he"]
refused: substring

-- Built-in Functions, left, right, lpad
select left('abc', -1), right('abc', 2), lpad('abc', 2, 'x'), lpad('a', 3, 'xy')
=> ["", "bc", "ab", "xya"]

-- Built-in Functions, greatest: skips null values
select greatest(1, null), least(3, null, 2)
=> [1, 2]

-- Built-in Functions, rlike: Java regular expressions
select 'ab12' rlike '[0-9]+', 'x' rlike '^y'
=> [true, false]

-- ORDER BY: NULLS FIRST for ascending order
select a from t order by a limit 1
=> [null]

-- Built-in Functions, cast: text of a double
select cast(1e10D as string)
=> ["1.0E10"]
refused: cast

-- Built-in Functions, md5
select md5('a'), ascii('a'), instr('abc', 'c')
=> ["0cc175b9c0f1b6a831c399e269772661", 97, 3]

-- Built-in Functions, element_at and array index
select array(1, 2)[0]
=> [1]
refused: array

-- Built-in Functions, approx_count_distinct
select approx_count_distinct(a) from t
=> [4]
refused: approx_count_distinct

-- Built-in Functions, unix_timestamp: session time zone
select unix_timestamp('2024-01-01 00:00:00')
=> [1704067200]
refused: unix_timestamp

-- Built-in Functions, rtrim(trimStr, str), trunc
select rtrim('ba', 'xab'), ltrim('  a'), trunc(timestamp'2024-12-01 13:00:00', 'month')
=> ["x", "a", "2024-12-01"]
