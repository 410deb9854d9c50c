"""Delivery of reports and notices: e-mail, chat, webhook, folder, object storage."""

from workbench.report.delivery.messages import failure_messages, recipients, report_messages
from workbench.report.delivery.send import Sent, send_waiting

__all__ = ["Sent", "failure_messages", "recipients", "report_messages", "send_waiting"]
