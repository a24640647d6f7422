"""What each row of a file of existing CPTS would do, by what is checked.

`listed.py` is the file under check; `entries.py` reads the cells, `places.py` the communes,
`parties.py` the région and who signs, `dates.py` the days and the class, `money.py` the amounts,
`acquaintances.py` the rows that name one CPTS twice and those that the portal knows.
"""
