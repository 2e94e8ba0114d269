/* upriver:
checks:
  - row_count: {min: 1, max: 2}
  - expression: amount < 5
*/
select amount from 'data/x.csv'
