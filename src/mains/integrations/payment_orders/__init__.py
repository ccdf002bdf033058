"""Payment orders to banks by ISO 20022: credit transfers (pain.001.001.09) and direct debits (pain.008.001.08).

`values` says what is to be paid or collected, `checks` refuses what a bank would, `credit_transfers` and
`direct_debits` write the files; these are pure: no database, no clock. `refunds` orders what was approved.
"""
