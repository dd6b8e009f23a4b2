"""What a schedule is: a value, its clock, and how it is evaluated. Nothing here imports a shape or a tool."""
