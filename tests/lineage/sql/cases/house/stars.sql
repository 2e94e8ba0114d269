--- exclude
select * exclude (b, x) from t
--- replace
select * replace (a + c as a) from t
--- rename
select * rename (a as aa) from r
--- qualified star
select r.*, t.id from t join r on t.a = r.a
--- columns regex
select columns('^[ac]$') from t
--- columns lambda
select columns(lambda c: c like 'a%') + 1 from t
--- columns in aggregate
select min(columns(* exclude (f, b))) from t
--- columns in where
select id from t where columns(['a', 'c']) > 0
--- like star
select * like 'a%' from t
--- star of subquery
select * from (select a, b as bb from t where c > 0) q
--- unpack
select coalesce(*columns(['a', 'c'])) as first_one from t
--- struct star
select s.* from nest
--- whole row
select r from r
