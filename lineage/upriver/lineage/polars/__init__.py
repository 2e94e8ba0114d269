"""Column lineage and observed reads of Polars recipes. Runs in worker processes only.

``observe``       lazy scans that note what is read; ``predicate`` their row filters as SQL
``plan_lineage``  the plan of a returned LazyFrame to column edges: ``tree`` reads it, ``walk`` goes over it,
                  ``flow`` is what flows, ``ordering`` whether the order matters, ``binding`` a digest
                  and ``wording`` shows expressions to people
``empty``         a recipe run on empty frames, under ``guard``
``dtypes``        DuckDB's column types and Polars'
"""
