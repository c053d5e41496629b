"""What may be wrong with a data set, found before training on it.

`looked` is a set as it is looked at, `traits` what is measured of each image, `alike` finds copies. Each finding is a
function in `images`, `labels` or `copies`; `findings` holds them by name. `sheet` shows them, `table` is for tables.
"""
