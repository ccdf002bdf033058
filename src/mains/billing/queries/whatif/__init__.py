"""What a draft tariff would bring: the utility is rated twice, with the edition in force and with the draft."""
