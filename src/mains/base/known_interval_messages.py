"""Messages about interval data: files of them and of prices by the hour, and bills that rest on them; a part of
`known_messages`."""

from django.utils.translation import gettext_noop as _

INTERVALS = (
    _(
        "The tariff {tariff} reads intervals, and service point {point} has none from {from_date} to "
        "{to_date} (excluded). Import them: mains reading import-intervals; or agree on another tariff."
    ),
    _("The tariff {tariff} reads intervals, and there are none from {from_date} to {to_date} (excluded)."),
    _(
        "The intervals of {register} of service point {point} have several lengths from {from_date} to "
        "{to_date} (excluded). Import all of the month, and of the four weeks before it, in one length."
    ),
    _(
        "{missing} of {count} intervals of {register} of service point {point} are missing, the first is "
        "{first}, and no week of the four before tells of them. Import them: mains reading "
        "import-intervals."
    ),
    _(
        "{missing} of {count} intervals of {register} are missing, and no week of the four before tells of "
        "them; the first is {first}."
    ),
    _(
        "{count} prices of the series {series} are missing, the first is that of {first}. Import them: "
        "mains tariff import-prices."
    ),
    _("{count} prices of the series {series} are missing, the first is that of {first} UTC."),
    _("Import them: mains tariff import-prices."),
    _("Import them: mains reading import-intervals."),
    _("Import them: mains reading import-intervals; or agree on another tariff."),
    _("The intervals of {register} have several lengths: {lengths} min."),
    _("Import all of the month, and of the four weeks before it, in one length."),
    _("The registers of the point have intervals of different times."),
    _("A register of the point has two series."),
    _("A series has more than {count} intervals."),
    _("Intervals are missing."),
    _("An interval is too large."),
    _("Intervals of {step} min do not make up windows of {window} min."),
    _("The clock moves inside a window of {window} min."),
    _("Intervals of {step} min do not begin at the full hour or at equal parts of it."),
    _("Hours of the tariff begin inside the intervals, which have {step} min."),
    _("The intervals do not cover every day of the period."),
    _("There are no prices {series} in the period. Import them: mains tariff import-prices."),
    _("The point has no intervals."),
    _("A past demand is that of whole months."),
    _("Give the first day of the first month and the last day of the last one."),
    _("{text} is below nought."),
    _("Give the highest demand of the months."),
)

INTERVAL_FILES = (
    _("Meter {serial} hangs nowhere on {day}."),
    _("Record its installation first, or correct the day."),
    _("Check the serial number."),
    _("Several meters answer to {serial}."),
    _("Fill in the model too."),
    _("Meter {serial} has no register of zone {zone}."),
    _("Its intervals would count beside its registers. Record the meter with that register."),
    _("Line {line} gives the same day in intervals of {step} min."),
    _("Give a day in one length."),
    _("The interval that begins at {at} UTC stands in line {line} too."),
    _("Leave one of them out; at the hour that the clock has twice, give offsets."),
    _("Intervals of {point} are kept by the clock of {clock}."),
    _("Give the clock {clock}."),
    _("An interval of {step} min cannot begin at {at} by the clock of {clock}."),
    _("Intervals follow one another from midnight on."),
    _("The day {day} is kept in intervals of {step} min."),
    _("Send the same, or the whole day."),
    _("There is no time zone {clock}."),
    _("Name one such as Europe/Berlin or UTC."),
    _("Name one such as Europe/Berlin."),
    _("There is no quantity {quantity}."),
    _("There is no quality {quality}."),
    _("Write measured or estimated."),
    _("Write one of {names}."),
    _("There is no unit {unit}."),
    _("The interval ends at {at} UTC, which is yet to come."),
    _("Send what is measured."),
    _("{text} is no part of an hour."),
    _("{text} is not a time."),
    _("Write 2024-03-31T14:00, with its offset where it is not by the clock: 2024-03-31T14:00+02:00."),
    _("{at} by the clock of {clock} comes twice: the clock goes back."),
    _("Give the offset with it, such as +02:00 and +01:00."),
    _("{at} by the clock of {clock} does not exist: the clock goes forward."),
    _("Leave the hour out, or give the offset."),
    _("Write a number such as 12.5."),
    _("{text} is below zero."),
    _("What is fed in is a quantity of its own: export."),
    _("{text} has parts below a millionth."),
    _("Intervals are kept in millionths of the unit: round it."),
    _("An interval stays below 35 million."),
    _(
        "The line gives {count} values from {at} on; the day {day} has {wanted} of {step} min by the clock "
        "of {clock}."
    ),
    _("Give a whole day from midnight on, or one interval a line."),
    _("{quantity} of meter {serial} is kept in {wanted}, not in {unit}."),
    _("Give {wanted}, or mean power."),
    _("Write a number such as 81.25."),
    _("{text} cannot be kept."),
    _("Give at most six decimals."),
    _("A series cannot be called {series}."),
    _("Write a name such as day_ahead."),
    _("{step} min are no part of an hour."),
    _("Write 60, 30 or 15."),
    _("The day {day} has {wanted} prices of {step} min, the file {count}."),
    _("Give whole days, with the hour that the clock has twice or without the one that it leaves out."),
    _("Line {line} has the price of the same time."),
    _("{text} comes twice by the clock."),
    _("{text} is not a time of the clock."),
    _("Write 2024-03-31T14:00, with its offset where needed: 2024-10-27T02:00+01:00."),
    _("The file is too long."),
    _("The file has no column “{column}”."),
    _("Columns: {names}."),
    _("Line {line}: “{value}” is not a number."),
    _("Write 16000 or 0.5; leave the place empty when the value is not known."),
    _("The use of {service} is kept in {unit} here, the document counts it in {written}."),
    _("Write `unit: {unit}`; prices may name another unit of energy or volume, they are converted exactly."),
    _("Tariff {tariff} counts in {own}, the use of {service} is kept in {unit}."),
    _("The unit is chosen once: set MAINS_HEAT_UNIT={own} again, or publish the tariff in {unit}."),
)
