-- Operators, Arithmetic operators: INT64 / INT64 is FLOAT64
select 7/2, 1/4, div(7, 2), div(-7, 2), mod(-7, 3)
=> [3.5, 0.25, 3, -3, -1]

-- Operators, Arithmetic operators: division by zero
select 1/0
=> error

-- Mathematical functions, SAFE_DIVIDE
select safe_divide(1, 0), safe_divide(7, 2)
=> [null, 3.5]

-- Lexical structure, Floating point literals
select 0.1 + 0.2 = 0.3
=> [false]

-- Conversion rules, CAST AS INT64: half away from zero
select cast(2.5 as int64), cast(-2.5 as int64), cast(1.4 as int64)
=> [3, -3, 1]

-- Data types, NUMERIC: nine digits after the point
select cast(1 as numeric) / 3
=> [0.333333333]

-- Mathematical functions, ROUND: half away from zero
select round(2.5), round(-2.5), round(2.5, 0), trunc(-2.7)
=> [3, -3, 3, -2]

-- Date functions, EXTRACT: DAYOFWEEK is 1 for Sunday
select extract(dayofweek from date '2024-12-01'), extract(isoweek from date '2021-01-03'), extract(quarter from date '2024-12-01')
=> [1, 53, 4]

-- Date functions, EXTRACT: WEEK begins on Sunday, 0 to 53
select extract(week from date '2024-12-01')
=> [48]
refused: extract

-- Date functions, DATE_TRUNC: MONTH, ISOWEEK
select date_trunc(date '2024-12-15', month), date_trunc(date '2024-12-01', isoweek)
=> ["2024-12-01", "2024-11-25"]

-- Date functions, DATE_TRUNC: WEEK begins on Sunday
select date_trunc(date '2024-12-03', week)
=> ["2024-12-01"]
refused: date_trunc

-- Date functions, DATE_DIFF: boundaries
select date_diff(date '2024-12-05', date '2024-11-28', month), date_diff(date '2024-03-01', date '2024-02-01', day)
=> [1, 29]

-- Date functions, DATE_ADD: the last day of a shorter month
select date_add(date '2024-01-31', interval 1 month), date_sub(date '2024-03-31', interval 1 month)
=> ["2024-02-29", "2024-02-29"]

-- Date functions, FORMAT_DATE; Format elements
select format_date('%b %d, %Y', date '2024-12-01'), format_date('%A', date '2024-12-01'), format_date('%Q', date '2024-12-01')
=> ["Dec 01, 2024", "Sunday", "4"]

-- Format elements: %E4Y and others
select format_date('%E4Y', date '2024-12-01')
=> ["2024"]
refused: format_date

-- Date functions, PARSE_DATE
select parse_date('%Y%m%d', '20240229')
=> ["2024-02-29"]

-- String functions, SUBSTR: position 0 counts as 1
select substr('apple', 0, 3)
=> ["app"]
refused: substr

-- String functions, SUBSTR, LEFT, LENGTH
select substr('apple', 2, 2), left('apple', 3), length('ab  '), byte_length('ä')
=> ["pp", "app", 4, 2]

-- String functions, CONCAT: null if any input is
select concat('a', null), 'a' || null
=> [null, null]

-- String functions, TRIM: all white space
select trim(concat('\t a', '\n')), ltrim('  a')
=> ["a", "a"]

-- Mathematical functions, GREATEST: null if any input is
select greatest(1, null), least(1, 2)
=> [null, 1]

-- Hash functions, MD5: bytes; TO_HEX: lower case
select to_hex(md5('a'))
=> ["0cc175b9c0f1b6a831c399e269772661"]

-- String functions, REGEXP_CONTAINS: RE2
select regexp_contains('ab12', r'\d+'), regexp_replace('aXXb', 'X+', '-')
=> [true, "a-b"]

-- String functions, REGEXP_EXTRACT: null for no match
select regexp_extract('abc', 'x')
=> [null]
refused: regexp_extract

-- Conversion rules, SAFE_CAST
select safe_cast(a as string) from t
=> ["7"]

-- Query syntax, ORDER BY: nulls are the lowest values
select a from t order by a limit 1
=> [null]

-- Operators, LIKE: backslash escapes
select 'a_b' like 'a\\_b', 'axb' like 'a\\_b'
=> [true, false]

-- Operators, Array subscript: OFFSET
select [1, 2][offset(0)]
=> [1]
refused: 1, 2][

-- Aggregate functions, COUNTIF, LOGICAL_AND, STRING_AGG
select countif(a > 0), logical_and(a > -100) from t
=> [2, true]

-- Approximate aggregate functions
select approx_count_distinct(a) from t
=> [4]
refused: approx_count_distinct

-- Timestamp functions, TIMESTAMP: zones
select timestamp '2024-01-01 00:00:00+02'
=> ["2023-12-31 22:00:00+00"]
refused: '2024-01-01 00:00:00+02'

-- JSON functions, JSON_VALUE
select json_value('{"a": 1}', '$.a')
=> ["1"]
refused: json_value

-- Conditional expressions, IF, IFNULL
select if(1 > 2, 'a', 'b'), ifnull(null, 3)
=> ["b", 3]

-- Hash functions, FARM_FINGERPRINT
select farm_fingerprint('a')
=> [-5528939962900187677]
refused: farm_fingerprint
