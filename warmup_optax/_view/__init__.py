"""Looking at a schedule on the host: values, phases, tables, pictures, findings."""
