"""Tools beside the core: what is done with a schedule, and with what Optax keeps of one."""
