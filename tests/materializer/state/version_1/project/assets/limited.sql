select id, getvariable('limit') as most from orders
