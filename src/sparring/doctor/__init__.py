"""`spar doctor`: what this machine can do, and whether it works. Each check is a function; `checks` holds them by name
with the seconds they may take, `running` runs them in a process of their own, so that nothing they do can hang."""
