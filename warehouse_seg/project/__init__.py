"""What a command starts with: the dbt project's context and the feature queries of any date and category list."""
