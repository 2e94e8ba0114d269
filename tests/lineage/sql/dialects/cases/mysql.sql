-- Arithmetic Operators: / of exact values has the scale of the first operand plus div_precision_increment (4)
select 7/2, 1/3, 2/3, -2/3
=> [3.5, 0.3333, 0.6667, -0.6667]

-- Arithmetic Operators: / of decimals
select 1.00/3, b/3 from t
=> [0.333333, 0.833333]

-- Arithmetic Operators: DIV, %, MOD
select 7 div 2, -7 div 2, 7 % 3, -7 % 3, mod(7, 0)
=> [3, -3, 1, -1, null]

-- Arithmetic Operators: division by zero gives NULL
select 1/0
=> [null]

-- Aggregate Functions, AVG of exact values: scale plus 4
select avg(a), sum(a)/2 from t
=> [0.75, 1.5]

-- Mathematical Functions, ROUND: exact values half away from zero
select round(2.5), round(-2.5), round(2.345, 2)
=> [3, -3, 2.35]

-- Mathematical Functions, ROUND: approximate values depend on the C library
select round(x) from t
=> [2]
refused: round

-- Cast Functions, CAST to SIGNED: rounds decimals
select cast(2.5 as signed), cast(-2.5 as signed)
=> [3, -3]

-- Type Conversion in Expression Evaluation: leading digits of a text
select cast('12abc' as signed)
=> [12]
refused: '12abc'

-- Type Conversion in Expression Evaluation: text and number compare as doubles
select '1abc' = 1
=> [1]
refused: =

-- Logical Operators: || is OR unless PIPES_AS_CONCAT
select 1 || 0
=> [true]

-- Logical Operators: || of texts
select 'a' || 'b'
=> [0]
refused: ||

-- String Functions, CONCAT: null if any is; CONCAT_WS skips nulls
select concat('a', null), concat('a', 1), concat_ws('-', 'a', null, 'b')
=> [null, "a1", "a-b"]

-- String Functions, LENGTH: bytes; CHAR_LENGTH
select length('ä'), char_length('ä'), char_length('ab  ')
=> [2, 1, 4]

-- String Functions, SUBSTRING: 0 gives an empty text
select substring('hello', 0, 2)
=> [""]
refused: substring

-- String Functions, SUBSTRING, LEFT, RIGHT
select substr('hello', 2, 3), left('hello', 2), right('hello', 2), left('hello', -1)
=> ["ell", "he", "lo", ""]

-- String Functions, TRIM: remstr is a word, no set
select trim(both 'xy' from 'xyxaxy')
=> ["xa"]
refused: trim

-- String Functions, TRIM: spaces
select trim('  a '), trim(leading 'x' from 'xxa')
=> ["a", "a"]

-- Character Set and Collation: utf8mb4_0900_ai_ci is the default
select 'a' = 'A'
=> [1]
refused: =

-- Pattern Matching, LIKE: by the collation
select 'ABC' like 'a%'
=> [1]
refused: like

-- GROUP BY of a text: by the collation
select s, count(*) from t group by s
=> [null, 1]
refused: group

-- Date Functions, DAYOFWEEK: 1 = Sunday; WEEKDAY: 0 = Monday
select dayofweek(date '2024-12-01'), weekday(date '2024-12-01'), weekofyear(date '2021-01-03')
=> [1, 6, 53]

-- Date Functions, WEEK: mode 0 begins on Sunday
select week(date '2024-12-01')
=> [48]
refused: week

-- Date Functions, DATE_FORMAT: %i minutes, %M month name
select date_format(timestamp '2024-12-01 13:05:09', '%Y-%m-%d %H:%i:%s'), date_format(date '2024-12-01', '%M %W')
=> ["2024-12-01 13:05:09", "December Sunday"]

-- Date Functions, DATE_FORMAT: %D with an English suffix
select date_format(date '2024-12-01', '%D')
=> ["1st"]
refused: date_format

-- Date Functions, DATE_ADD: the last day of a shorter month
select date_add(date '2024-01-31', interval 1 month), date_sub(date '2024-03-01', interval 1 day), date '2024-01-31' + interval 1 day
=> ["2024-02-29", "2024-02-29", "2024-02-01"]

-- Date Functions, DATEDIFF: only the dates count
select datediff(timestamp '2024-01-02 01:00:00', timestamp '2024-01-01 23:00:00'), datediff(date '2024-03-01', date '2024-02-01')
=> [1, 29]

-- Date Functions, TIMESTAMPDIFF: whole units
select timestampdiff(day, timestamp '2024-01-01 23:00:00', timestamp '2024-01-02 01:00:00')
=> [0]

-- Date Functions: date plus a number is a number
select date '2024-01-01' + 1
=> [20240102]
refused: +

-- Flow Control Functions, IF, IFNULL, NULLIF
select if(1 > 2, 5, 6), ifnull(null, 3), nullif(7, 7)
=> [6, 3, null]

-- Comparison Functions, GREATEST: null if any argument is
select greatest(1, null), least(1, 2), 1 <=> null
=> [null, 1, 0]

-- Working with NULL Values: nulls first in ORDER BY
select a from t order by a limit 1
=> [null]

-- Aggregate Functions, STD: population standard deviation
select std(a), stddev_samp(a) from t
=> [5.117372372614664, 5.909032633745279]

-- Aggregate Functions, GROUP_CONCAT: cut at group_concat_max_len
select group_concat(a) from t
=> ["7,-7,0,3"]
refused: group_concat

-- Encryption Functions, MD5
select md5('a')
=> ["0cc175b9c0f1b6a831c399e269772661"]

-- Date Functions, UNIX_TIMESTAMP: session zone
select unix_timestamp('2024-01-01 00:00:00')
=> [1704067200]
refused: unix_timestamp

-- JSON Functions, ->
select json_extract('{"a": 1}', '$.a')
=> [1]
refused: json_extract
