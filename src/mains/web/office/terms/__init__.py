"""Pages on which contracts and rules are stated from a day on: a list with its versions, a form, a preview.

`forms` are the fields of each kind, `versions` what holds when, `kinds` puts together what a page shows and who may
use it.
"""
