"""Checks of data sets for defects, before training.

`open` turns a SPEC into `image_set.ScannedImages`; `image_stats` measures each image and `duplicates` finds copies.
Each check is a function in `images`, `labels` or `copies`, registered in `checks`. `table` and `audio` check tables
and sound files.
"""
