"""The card processor's messages. Signed, so that no session or form token is needed."""

from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_POST

from billing.gateways import gateway
from billing.gateways.base import WebhookRefused
from billing.models import Payment
from billing.services import receive_webhook

LARGEST_BODY = 1_000_000


@csrf_exempt
@require_POST
def receive(request: HttpRequest, name: str) -> HttpResponse:
    """`/webhooks/<gateway>/`: 200 for a message that counts, also when it came before; 400 for what is not signed."""
    if name != gateway().name and not Payment.objects.filter(gateway=name).exclude(reference="").exists():
        raise Http404  # neither the processor in use nor one that was
    if int(request.headers.get("Content-Length") or 0) > LARGEST_BODY:
        return JsonResponse({"code": "validation_error", "detail": "The message is too long."}, status=413)
    try:
        receive_webhook(request.headers, request.body, sender=name)
    except WebhookRefused as refused:
        return JsonResponse({"code": refused.code, "detail": refused.message}, status=refused.status)
    return JsonResponse({"received": True})
