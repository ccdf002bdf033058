"""The messages that `wording` translates, as the packages below say them; tests/base/test_wording.py compares.

A message that is said there and missing here is shown in English. Braces name the values, whatever the expression
between them is at the place where the message is made.
"""

from django.utils.translation import gettext_noop as _

READINGS = (
    _("The reading fits the ones before and after it."),
    _("No such register is known."),
    _("Check the meter's serial number and zone."),
    _("The reading is dated {reading_date}, later than {as_of_date}."),
    _("Correct the date."),
    _("The meter cannot show {value}: it has {digits} whole digits."),
    _("Check the digits and the meter's serial number."),
    _("The meter was not yet installed on {reading_date}."),
    _("Correct the date, or record the installation first."),
    _("The meter was no longer installed on {reading_date}."),
    _("Read the meter that is installed now, or correct the date."),
    _("This reading of {reading_date} is known already."),
    _("Nothing needs to be done."),
    _("Another reading of {reading_date} says {other_value}, this one {value}."),
    _("Look at the evidence of both and keep one."),
    _("{value} is lower than {other_value} of {other_date}; the register may have rolled over."),
    _("Confirm the rollover, or correct the value."),
    _("{value} is lower than {other_value} of {other_date}."),
    _("Read the meter again; if the earlier reading is wrong, set that one aside."),
    _("{value} is higher than {other_value} of {other_date}."),
    _("Read the meter again; if the later reading is wrong, set that one aside."),
    _("{use} since {other_date} is more than {times_usual} times the usual use."),
    _("Check the digits and the decimal point; confirm if the use is real."),
    _("There is no reading."),
    _("Enter the digits that the meter shows."),
    _("A meter does not show a negative number."),
    _("A reading has digits only, with at most one decimal point or comma."),
    _("Enter the digits that the meter shows, for example 12345 or 12345.678."),
    _("The number has more digits before the decimal point than this meter."),
    _("Check the meter's serial number and enter the digits before the point or the red frame."),
    _("The number has more digits after the decimal point than this meter."),
    _("Enter the digits as shown; a comma or a point means decimals, never thousands."),
    _("Nobody knows {named}."),
    _("The meter was never installed."),
    _("Record the installation first."),
    _("It contradicts the readings of {days}."),
    _("Withdraw the wrong ones first, or read the meter again."),
    _("The reading was replaced or withdrawn already."),
    _("There is no such reading."),
    _("Look at the meter's readings as they are now."),
    _("There is no such reading in the work list."),
    _("It was {resolution} already."),
    _("Nothing was changed."),
    _("The reading says this already."),
)

BILL_RUNS = (
    _("No edition of tariff {tariff} is published. Publish one; the next run bills the month."),
    _("No daily use is stored: the service point was not connected. Billed without use."),
    _("The meter has shown no use for {months} months."),
    _("Use of {use} is more than {times} times the average of {average}."),
    _("Nobody pays for {days} of {connected} days; use in the month: {use}."),
    _("{name} is missing."),
    _("The attribute {name} is missing."),
    _("The tiers of {name} differ in number and cannot be averaged."),
    _("An attribute that the table {name} is kept by is missing."),
    _("The table {name} has no value for the attributes of this item."),
    _("“{formula}” divides by zero."),
    _("“{formula}” scales its limits by a negative number."),
    _("An amount or quantity of the item does not fit 64 bits."),
    _("The segments of the item are of different tariffs."),
    _("The segments of the item do not adjoin and cover its period."),
    _("Tariff {tariff} has no version in force on {day}."),
    _("There is no tariff {tariff}."),
)

BILLS = (
    _("There is no bill {number}."),
    _("Compare the number with the bill."),
    _("The bill has no line {line}."),
    _("It has lines 1 to {count}."),
    _("Line {line} ({component}) does not follow from the facts."),
    _("Line {line} corrects by {posted}, the facts give {computed} minor units."),
    _("Report this bill; `mains replay` shows the difference."),
    _("The readings give {found} micro-units, the bill used {used}."),
    _("The readings give use in zones that the bill did not see: {zones}."),
    _("Report this bill: its use does not follow from its readings."),
    _("No font at hand prints {letters}."),
    _("There is no such unit."),
    _("Start from the top of the statement."),
)

PAYMENTS = (
    _("There is no such account."),
    _("Check the number, or search for the customer by name or address."),
    _("This receipt is not in suspense."),
    _("Nothing was changed. See `mains payments suspense` for the open ones."),
    _("This file is here already: register {register}, {file}, {state}."),
    _("Nothing was changed. Accept register {register}."),
    _("There is no such register."),
    _("The register was refused."),
    _("The register is accepted already."),
    _("Correct the file and import it again."),
    _("Another register brought a payment with the same reference since this one was staged."),
    _("Nothing was booked. Compare the two files; import this one again without that line."),
)

MESSAGES = READINGS + BILL_RUNS + BILLS + PAYMENTS

FORMULA_WORDS = (
    _("total"),
    _("rounding"),
    _("sum of lines"),
    _("rounded total − lines"),
    _("sum of weighted parts"),
    _("whole × share of days"),
    _("share of days"),
    _("not charged"),
    _("already used before"),
    _("above the last limit"),
    _("up to {limit}"),
    _("to {step}, {mode}"),
    _("{first} – {end} (excluded)"),
    _("reading {id}, {told}"),
    _("bill {number}"),
    _("tariff {code}, {clause}"),
    _("component {name}"),
    _("component {name}, before rounding"),
)
"""What stands in formula trees besides the expressions of the tariff itself."""
