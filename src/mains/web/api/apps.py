"""Registration with Django: offers the providers' rules to the payments context."""

from django.apps import AppConfig


class ApiConfig(AppConfig):
    name = "mains.web.api"
    label = "api"

    def ready(self) -> None:
        from mains.integrations.payment_providers.alipay import Alipay
        from mains.integrations.payment_providers.redirect import CardRedirect
        from mains.integrations.payment_providers.wechat import WeChatPay
        from mains.payments.actions.channels import register_provider

        register_provider("wechat", WeChatPay)
        register_provider("alipay", Alipay)
        register_provider("redirect", CardRedirect)
