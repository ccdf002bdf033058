"""What can be wrong with a bank's file, and what to do about it. Placeholders are the fault's params."""

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

_AGAIN = _("Fetch the file from the bank again; ask the bank if it comes the same way.")
_ASK = _("Ask the bank for a corrected file: lines are missing, were added or were changed.")

BANK_FAULT_TEXTS: dict[str, tuple[str | Promise, str | Promise]] = {
    "format-unknown": (
        _("The file is in no format of banks that Mains reads."),
        _("It reads camt.052, camt.053 and camt.054, MT940 and MT942, and 1CClientBankExchange."),
    ),
    "xml-broken": (_("The file is not whole XML: %(what)s"), _AGAIN),
    "xml-unsafe": (
        _("The file declares a document type or entities, which no bank needs."),
        _("Do not open it elsewhere; ask the bank whether it sent this file."),
    ),
    "xml-no-statement": (
        _("The file holds no bank statement: its first element is %(name)s."),
        _("Export camt.053, camt.052 or camt.054 from the bank."),
    ),
    "part-missing": (_("%(name)s is missing."), _AGAIN),
    "part-invalid": (_("“%(value)s” cannot be read as %(name)s."), _AGAIN),
    "part-outside": (_("%(name)s stands where it does not belong."), _AGAIN),
    "amount-signed": (
        _("The amount %(value)s has a sign; credit or debit is told beside it."),
        _ASK,
    ),
    "amount-decimals": (_("The amount %(value)s is finer than a hundredth."), _ASK),
    "currency-unknown": (_("There is no currency “%(value)s”."), _ASK),
    "currency-differs": (_("The currency is %(found)s, that of the account is %(expected)s."), _ASK),
    "count-differs": (_("%(name)s says %(stated)s entries; the file has %(found)s."), _ASK),
    "sum-differs": (_("%(name)s says %(stated)s; the entries sum to %(found)s."), _ASK),
    "balance-differs": (
        _(
            "Opening balance %(opening)s and entries of %(moved)s make %(found)s; the closing balance says %(stated)s."
        ),
        _ASK,
    ),
    "pages-differ": (
        _("The page before closes with %(closing)s; this one opens with %(opening)s."),
        _("A page is missing: fetch the whole statement from the bank."),
    ),
    "details-differ": (_("The entry is %(stated)s; its details sum to %(found)s."), _ASK),
    "transaction-twice": (
        _("The same transaction with the bank's reference “%(value)s” is on line %(first_line)s already."),
        _("Ask the bank for a file without the repetition; the money came once."),
    ),
    "statement-twice": (
        _("Statement %(value)s is in the file twice."),
        _("Import a file with each statement once."),
    ),
    "statement-differs": (
        _(
            "Statement %(value)s was accepted before with the closing balance %(stated)s; here it is %(found)s."
        ),
        _("Compare the two files and ask the bank which one is right."),
    ),
    "encoding-line": (
        _("The file says it is written in %(expected)s; its bytes are %(seems)s."),
        _("Export it from the bank program again in the encoding that it names."),
    ),
    "version-unknown": (
        _("Version %(value)s of the format is not known."),
        _("Export version 1.01, 1.02 or 1.03 from the bank program."),
    ),
    "document-foreign": (
        _("Neither payer %(payer)s nor payee %(payee)s is an account of this statement."),
        _("Export the statement of your own account; payment orders are no statement."),
    ),
    "account-missing": (_("The statement does not say which account it is of."), _AGAIN),
    "account-unknown": (
        _("Account %(value)s is not one of the utility's bank accounts."),
        _("Add it with mains bank account, or choose the account at import."),
    ),
    "account-chosen": (
        _("The file has statements of several accounts: %(value)s."),
        _("Import it without choosing an account."),
    ),
    "before-opening": (
        _(
            "The statement has entries of %(value)s; the account was taken over with its balance of %(opened)s."
        ),
        _("Entries before that day are in the opening balance; import later statements."),
    ),
    "future-statement": (
        _("The statement is dated %(value)s, after today, %(today)s."),
        _("Check the date of this machine and of the file."),
    ),
}
