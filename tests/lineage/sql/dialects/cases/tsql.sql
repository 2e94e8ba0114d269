-- / (Division): of integers, an integer with the fraction cut
select 7/2, -7/2, 7%3, -7%3
=> [3, -3, 1, -1]

-- / (Division): by zero
select 1/0
=> error

-- Precision, scale, and length: division of decimals
select 1.0/3
=> [0.333333]
refused: /

-- COUNT, SUM: int
select count(*)/2, sum(a)/2 from t
=> [2, 1]

-- AVG: int for int
select avg(a) from t
=> [0]

-- CAST and CONVERT, Truncating and rounding results: numeric to int truncates
select cast(2.7 as int), cast(-2.7 as int), cast(10.6496 as int)
=> [2, -2, 10]

-- CAST and CONVERT, Truncating and rounding results: numeric to numeric rounds
select cast(2.345 as decimal(10,2))
=> [2.35]

-- char and varchar: 30 characters in CAST without a length
select len(cast('1234567890123456789012345678901234567890' as varchar)), cast('hello' as varchar(2))
=> [30, "he"]

-- LEN: without trailing spaces
select len('ab  '), len('  ab'), len('')
=> [2, 4, 0]

-- + (String concatenation): null if one side is
select 'a' + 'b', 'a' + null
=> ["ab", null]

-- + (Addition): text with a number is converted to the number
select '1' + 2
=> [3]
refused: +

-- CONCAT: null as an empty text
select concat('a', null, 'b'), concat('a', 1)
=> ["ab", "a1"]

-- ISNULL
select isnull(null, 3), isnull('a', 'b')
=> [3, "a"]

-- ISNULL: the type of the first argument
select isnull(cast(null as int), 2.5)
=> [2]
refused: isnull

-- SUBSTRING: a start below 1 shortens
select substring('hello', 0, 3), substring('hello', 2, 3), left('hello', 2), right('hello', 2)
=> ["he", "ell", "he", "lo"]

-- DATEDIFF: boundaries
select datediff(year, '2005-12-31', '2006-01-01'), datediff(month, '2024-11-28', '2024-12-05'), datediff(day, '2024-02-01', '2024-03-01')
=> [1, 1, 29]

-- DATEDIFF: week depends on Sunday
select datediff(week, '2024-11-30', '2024-12-01')
=> [1]
refused: datediff

-- DATEADD: the last day of a shorter month
select dateadd(month, 1, cast('2024-01-31' as date)), dateadd(day, 1, cast('2024-02-28' as date))
=> ["2024-02-29", "2024-02-29"]

-- DATEPART: quarter, dayofyear, iso_week
select datepart(quarter, cast('2024-12-01' as date)), datepart(dayofyear, cast('2024-12-01' as date)), datepart(iso_week, cast('2021-01-03' as date))
=> [4, 336, 53]

-- DATEPART: weekday depends on SET DATEFIRST
select datepart(weekday, cast('2024-12-01' as date))
=> [1]
refused: datepart

-- EOMONTH, DATEFROMPARTS, YEAR
select eomonth(cast('2024-02-01' as date)), datefromparts(2024, 2, 29), year(cast('2024-02-01' as date))
=> ["2024-02-29", "2024-02-29", 2024]

-- Collations: the default is insensitive to case and trailing blanks
select case when 'a' = 'A' then 1 else 0 end
=> [1]
refused: =

-- Collations: GROUP BY
select s, count(*) from t group by s
=> [null, 1]
refused: group

-- LIKE: [ ] are sets of characters
select case when 'ab' like '[a-c]b' then 1 else 0 end
=> [1]
refused: like

-- CHARINDEX: by the collation
select charindex('B', 'abc')
=> [2]
refused: charindex

-- FORMAT
select format(cast('2024-12-01' as date), 'MMM')
=> ["Dec"]
refused: format

-- CONVERT with a style
select convert(varchar(10), cast('2024-12-01' as date), 103)
=> ["01/12/2024"]
refused: convert

-- datetime: rounded to 1/300 of a second
select cast('2024-12-01 10:00:00.005' as datetime)
=> ["2024-12-01 10:00:00.007"]
refused: cast

-- TOP, ORDER BY: nulls are the lowest values
select top 1 a from t order by a
=> [null]

-- TOP WITH TIES, PERCENT
select top 10 percent a from t order by a desc
=> [7]
refused: top

-- IIF, COALESCE, ROUND
select iif(1 > 2, 'a', 'b'), coalesce(null, 3), round(748.58, 1)
=> ["b", 3, 748.6]

-- REPLICATE: null for a negative count; REVERSE, UPPER
select replicate('ab', 2), replicate('a', -1), reverse('abc'), upper('a')
=> ["abab", null, "cba", "A"]

-- GETDATE: local time of the server
select case when getdate() is null then 1 else 0 end
=> [0]
refused: getdate

-- CHECKSUM and HASHBYTES
select hashbytes('MD5', 'a')
=> ["0x0CC175B9C0F1B6A831C399E269772661"]
refused: hashbytes
