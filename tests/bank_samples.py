"""Small files as banks send them, each right in itself; tests plant one trap at a time.

Lumen's bank accounts: one with an IBAN at a German bank, one of twenty digits at a Russian bank.
"""

from pathlib import Path

SAMPLE_FOLDER = Path(__file__).parent / "integrations" / "samples"
IBAN = "DE02120300000000202051"
PAYER_IBAN = "NL91ABNA0417164300"
ROUBLES = "40702810900000000001"
PAYER_ROUBLES = "40817810200000000077"

CAMT_053 = (SAMPLE_FOLDER / "camt053.xml").read_text(encoding="utf-8")
CAMT_054 = (SAMPLE_FOLDER / "camt054.xml").read_text(encoding="utf-8")

MT_940 = f"""{{1:F01LUMENDEFFAXXX0000000000}}{{2:I940LUMENDEFFXXXXN}}{{4:
:20:STARTUMS
:25:{IBAN}
:28C:00084/001
:60F:C210503EUR1000,00
:61:2105030503CR120,NTRFE2E-1//B-001
TRANSFER
:86:166?00GUTSCHRIFT?10931?20EREF+E2E-1?21SVWZ+Kundenkonto 03100000
17 Mai?30ABNANL2A?31{PAYER_IBAN}?32ANNA?33 BERG
:61:2102300503D4,5NCHGNONREF//B-002
:86:/TRTP/FEES/REMI/USTD//Account fee/
:61:2105030503RC2,00NTRFE2E-9//B-003
:86:Reversal of a payment
that was not ours
:62F:C210503EUR1113,50
:64:C210503EUR1113,50
-}}{{5:{{CHK:0123456789AB}}}}
{{1:F01LUMENDEFFAXXX0000000000}}{{2:I940LUMENDEFFXXXXN}}{{4:
:20:STARTUMS
:25:{IBAN}
:28C:00085/001
:60F:C210503EUR1113,50
:61:2105040504C30,00NTRFNONREF//B-004
:86:/EREF/X-7//CNTP/{PAYER_IBAN}/ABNANL2A/B. Boer/Delft//REMI/USTD//0310000027/
:62F:C210504EUR1143,50
-}}
"""

MT_942 = f""":20:INTERIM
:25:{IBAN}
:28C:1/1
:34F:EURD0,
:34F:EURC0,
:13D:2105031815+0200
:61:2105030503C120,00NTRFE2E-1//B-001
:86:Kundenkonto 0310000017 Mai
:61:2105030503D4,50NCHGNONREF//B-002
:86:Fee
:90D:1EUR4,50
:90C:1EUR120,00
-
"""

CLIENT_BANK = f"""1CClientBankExchange
ВерсияФормата=1.03
Кодировка=Windows
Отправитель=Банк
Получатель=1С
ДатаСоздания=04.05.2021
ВремяСоздания=08:00:00
ДатаНачала=03.05.2021
ДатаКонца=03.05.2021
РасчСчет={ROUBLES}
СекцияРасчСчет
ДатаНачала=03.05.2021
ДатаКонца=03.05.2021
РасчСчет={ROUBLES}
НачальныйОстаток=5000.00
ВсегоПоступило=1550.40
ВсегоСписано=250.00
КонечныйОстаток=6300.40
КонецРасчСчет
СекцияДокумент=Платежное поручение
Номер=17
Дата=03.05.2021
Сумма=1250.40
ПлательщикСчет={PAYER_ROUBLES}
ПлательщикИНН=910201234567
Плательщик1=Иванова Мария
ПолучательСчет={ROUBLES}
ДатаПоступило=03.05.2021
НазначениеПлатежа=Оплата за свет, л/с 0310000017
КонецДокумента
СекцияДокумент=Платежное поручение
Номер=18
Дата=02.05.2021
Сумма=300
ПлательщикРасчСчет={PAYER_ROUBLES}
Плательщик=ИНН 910201234567 Петров Пётр
ПолучательСчет={ROUBLES}
ДатаПоступило=03.05.2021
НазначениеПлатежа=За воду
КонецДокумента
СекцияДокумент=Банковский ордер
Номер=9
Дата=03.05.2021
Сумма=250-00
ПлательщикСчет={ROUBLES}
ПолучательСчет=70601810000000000001
Получатель1=Банк
ДатаСписано=03.05.2021
НазначениеПлатежа=Комиссия
КонецДокумента
КонецФайла
"""


def client_bank(text: str = CLIENT_BANK, *, encoding: str = "cp1251", stated: str = "Windows") -> bytes:
    """The text of 1C in the bytes of a bank program, with Windows' line ends."""
    stated_text = text.replace("Кодировка=Windows", f"Кодировка={stated}")
    return stated_text.replace("\n", "\r\n").encode(encoding)


# Every sample as bytes, by the name that tests print.
SAMPLES = {
    "camt.053": CAMT_053.encode(),
    "camt.054": CAMT_054.encode(),
    "MT940": MT_940.encode(),
    "MT942": MT_942.encode(),
    "1C": client_bank(),
}


def status_report(
    original: str, *orders: tuple[str, str, str], group: str = "PART", kind: str = "pain.001.001.09"
) -> bytes:
    """A customer payment status report (pain.002.001.10) on a file of orders: (end-to-end id, status, reason)."""
    told = "".join(
        f"<TxInfAndSts><OrgnlEndToEndId>{name}</OrgnlEndToEndId><TxSts>{status}</TxSts>"
        + (
            f"<StsRsnInf><Rsn><Cd>{code}</Cd></Rsn><AddtlInf>said by the bank</AddtlInf></StsRsnInf>"
            if code
            else ""
        )
        + "</TxInfAndSts>"
        for name, status, code in orders
    )
    batch = (
        f"<OrgnlPmtInfAndSts><OrgnlPmtInfId>{original}-1</OrgnlPmtInfId>{told}</OrgnlPmtInfAndSts>"
        if told
        else ""
    )
    return (
        '<Document xmlns="urn:iso:std:iso:20022:tech:xsd:pain.002.001.10"><CstmrPmtStsRpt>'
        f"<GrpHdr><MsgId>STATUS-{original}</MsgId></GrpHdr>"
        f"<OrgnlGrpInfAndSts><OrgnlMsgId>{original}</OrgnlMsgId><OrgnlMsgNmId>{kind}</OrgnlMsgNmId>"
        f"<GrpSts>{group}</GrpSts></OrgnlGrpInfAndSts>{batch}</CstmrPmtStsRpt></Document>"
    ).encode()
