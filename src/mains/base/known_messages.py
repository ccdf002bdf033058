"""The messages that `wording` translates, as the packages below say them; tests/base/test_wording.py compares.

A message that is said there and missing here is shown in English. Braces name the values, whatever the expression
between them is at the place where the message is made.
"""

from django.utils.translation import gettext_noop as _

from mains.base.known_engine_messages import ENGINE
from mains.base.known_tariff_messages import TARIFFS

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
    _("{value} of {reading_date} is lower than {other_value} before it."),
    _("{value} of {reading_date} is higher than {other_value}, which a stronger source read later."),
    _("Nothing needs to be done unless the later reading is wrong."),
    _("{value} of {reading_date} is lower than {other_value} before it; a rollover was assumed."),
    _("Confirm the rollover, or set one of the readings aside."),
    _("The meter cannot show {value}, read on {reading_date}."),
    _("Check the digits of the register and the reading."),
    _("The reading of {reading_date} lies in the future."),
    _("The meter was installed nowhere on {reading_date}."),
    _("Correct the date of the reading or of the installation."),
    _("The reading of {reading_date} names an unknown register."),
    _("Correct the register."),
    _("Between {other_value} and {value} of {reading_date} lie more than 10^11 units."),
    _("Check both readings, the digits and the multiplier."),
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
    _("monthly"),
    _("No edition of tariff {tariff} is published. Publish one; the next run bills the month."),
    _("No daily use is stored: the service point was not connected. Billed without use."),
    _("The meter has shown no use for {months} months."),
    _("Use of {use} is more than {times} times the average of {average}."),
    _("Nobody pays for {days} of {connected} days; use in the month: {use}."),
    _(
        "Nobody pays what is over the cap of the house on {days} of {connected} days."
        " Agree on it with the managing company."
    ),
    _(
        "No bill tells what was left of {balance} before {day}."
        " Record it: mains registry import opening-balances."
    ),
    _("What is left of {balance} has more digits than can be kept."),
    _(
        "{value} {unit} of {balance} were left on {day}, and no tariff goes on with it."
        " Pay it out, or record an opening balance."
    ),
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

RECALCULATIONS = (
    _("Run {run} ({kind}, {month}) is not finished."),
    _("Wait for it, or run `{command}` again: it goes on where it stopped."),
    _("The run of {month} counts facts up to {instant}, after {now}."),
    _("Plan the run at a later time."),
    _("No month is billed yet: there is nothing to recalculate."),
    _("Bill the first month: mains bill run --month YYYY-MM."),
    _("Other facts became known meanwhile: the recalculation comes to another amount."),
    _("Look at the new amount and post it if it is right."),
)

BILLS = (
    _("There is no bill {number}."),
    _("Compare the number with the bill."),
    _("The bill has no line {line}."),
    _("It has lines 1 to {count}."),
    _("Line {line} ({component}) does not follow from the facts."),
    _("{month} leaves {computed} of {balance} by the facts, and {kept} was kept."),
    _("Line {line} corrects by {posted}, the facts give {computed} minor units."),
    _("Report this bill; `mains replay` shows the difference."),
    _("The readings give {found} micro-units, the bill used {used}."),
    _("The readings give use in zones that the bill did not see: {zones}."),
    _("Report this bill: its use does not follow from its readings."),
    _("The facts give {is_exact} micro-units ({what}), the balance stored {is_stored}."),
    _("Report this node: its balance does not follow from its facts."),
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

TRIALS = (
    _("No tariff {tariff} is in force, so nobody would pay by the draft."),
    _("Give the draft the code of a tariff in force, or name one that it replaces: {known}."),
    _("Tariff {tariff} is for {service} in {currency}, the draft for {other_service} in {other_currency}."),
    _("A draft replaces a tariff of the same service and currency."),
    _("{month_to} lies before {month_from}."),
    _("Give the first month and then the last."),
    _("{count} months are too many at once."),
    _("Try at most {count} months, and the others after them."),
    _("The what-if was cancelled."),
    _("Start it again if its result is wanted."),
    _("No month is billed yet, so there is nothing to check."),
    _("Run `mains bill run` first."),
    _("{month} lies outside the months from {month_from} to {month_to}."),
    _("Choose a month from the first billed one up to now."),
    _("The act is not named."),
    _("Give number and date of the act, so that an auditor finds it."),
)

MESSAGES = READINGS + BILL_RUNS + RECALCULATIONS + BILLS + PAYMENTS + TARIFFS + TRIALS + ENGINE

FORMULA_WORDS = (
    _("total"),
    _("rounding"),
    _("sum of lines"),
    _("rounded total − lines"),
    _("sum of weighted parts"),
    _("sum over segments"),
    _("sum over months"),
    _("sum over quarters"),
    _("sum over years"),
    _("mean by days"),
    _("sum of days"),
    _("{count} days of a moratorium"),
    _("rounded when it joined the debt"),
    _("left by the bill of {first} – {end} (excluded)"),
    _("most use whose bill the money covers"),
    _("money − total"),
    _("money"),
    _("purchased"),
    _("remainder"),
    _("whole × share of days"),
    _("share of days"),
    _("not charged"),
    _("already used before"),
    _("above the last limit"),
    _("up to {limit}"),
    _("to {step}, {mode}"),
    _("{first} – {end} (excluded)"),
    _("tariff {code}, {first} – {end} (excluded)"),
    _("reading {id}, {told}"),
    _("bill {number}"),
    _("tariff {code}, {clause}"),
    _("component {name}"),
    _("component {name}, before rounding"),
)
"""What stands in formula trees besides the expressions of the tariff itself."""
