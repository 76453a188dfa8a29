"""Pure calculation: values in, values out, no database, no clock."""
