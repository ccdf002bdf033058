"""Call-backs of payment providers: signed by them, so nobody signs in."""

from django.contrib.auth.decorators import login_not_required
from django.http import HttpRequest, HttpResponse
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_POST

from mains.base.business_day import now as business_now
from mains.base.clock import read_clock
from mains.payments.actions.order_notices import take_callback
from mains.payments.values.online import ProviderRefusal, UnableToTrustCallback

SIZE_MAX = 64_000


@csrf_exempt
@login_not_required
@require_POST
def callback(request: HttpRequest, code: str) -> HttpResponse:
    """Take a provider's call-back and answer as its rules want."""
    length = request.headers.get("Content-Length", "")
    if not length.isdecimal() or int(length) > SIZE_MAX:
        return HttpResponse(status=413)
    headers = {name.lower(): value for name, value in request.headers.items()}
    try:
        said = take_callback(
            channel_code=code, headers=headers, body=request.body, now=business_now(), clock=read_clock()
        )
    except UnableToTrustCallback:
        return HttpResponse(status=404)
    except ProviderRefusal:
        # Our own settings are incomplete: the provider calls again.
        return HttpResponse(status=503)
    return HttpResponse(said.body, status=said.status, content_type=said.content_type)
