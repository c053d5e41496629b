"""`spar doctor`: checks of this machine and installation.

Each check is a function; `checks` lists them by name with the seconds they may take, and `running` runs them in a
process of their own, so that a check that hangs or crashes does not stop the others.
"""
