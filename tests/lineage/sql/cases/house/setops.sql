--- union all
select a, b from t union all select v, k from r
--- union
select a from t union select a from r
--- union by name
select a, b from t union all by name select k as b, v as a from r
--- union by name with missing
select a, b from t union by name select a, k from r
--- except
select a, b from t except select a, k from r
--- except all
select a from t except all select v from r
--- intersect
select a from t intersect select a from r
--- intersect all
select a from t intersect all select v from r
--- parenthesized
(select a from t union select v from r) except (select id from e)
--- precedence
select a from t union select v from r intersect select id from e
--- union filtered outside
select * from (select a, c from t union all select a, v from r) where a = 1
--- union of filtered
select id from t where a = 1 union all select id from t where a = 2
--- union ordered and limited
(select a from t order by a limit 2) union all (select v from r order by v limit 1)
--- union with constants
select 't' as src, a from t union all select 'r', a from r
--- union all grouped
select src, count(*) as n from (select 't' as src, a from t union all select 'r' as src, a from r) group by src
--- three unions
select a from t union all select v from r union all select id from e
--- except of self
select a from t except select a from t where c > 1
--- union with order by
select a from t union all select v from r order by 1 limit 4
