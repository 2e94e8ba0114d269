--- pivot clause
from (select a, b, c from t) pivot (sum(c) for b in ('x', 'y'))
--- pivot clause grouped
from t pivot (sum(c) as s, count(*) as n for b in ('x', 'y') group by a)
--- pivot statement
pivot (select a, b, c from t) on b in ('x', 'zz') using max(c)
--- pivot many values
from (select a, c from t) pivot (count(*) for c in (0,1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17,18,19,20,21,22,23,24))
--- pivot in a cte
with p as (pivot (select a, f, c from t) on f in (true, false) using sum(c)) select a from p
--- unpivot
unpivot (select id, a, c from t) on a, c into name n value v
--- unpivot clause
from (select id, a, c from t) unpivot (v for n in (a, c))
--- unpivot include nulls
from (select id, a, c from t) unpivot include nulls (v for n in (a as 'first', c))
--- unpivot columns
unpivot t on columns('^(a|c)$') into name n value v
--- unpivot several
from (select id, a, c from t) unpivot ((v, w) for n in ((a, c), (c, a)))
