"""What a cash desk hands out: receipts on A4 and on 80 mm paper, and the report of a closed shift."""

from mains.reporting.queries.desk_paper.receipt import receipt_pdf, receipt_picture
from mains.reporting.queries.desk_paper.shift_report import shift_report_pdf

__all__ = ["receipt_pdf", "receipt_picture", "shift_report_pdf"]
