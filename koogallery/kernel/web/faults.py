"""What Django shows when nothing else answers: a page for people, a problem document for programs."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.template import loader

from koogallery.kernel.api.problems import json_problem
from koogallery.kernel.web.middleware import error_page, is_api


def bad_request(request: HttpRequest, exception: Exception) -> HttpResponse:
    """The request cannot be read; the page needs nothing of it."""
    if is_api(request):
        return json_problem(request, 400, "validation_error", "The request cannot be read.")
    return error_page(request, 400, "The request has characters that cannot be read. Go back and try again.")


def forbidden(request: HttpRequest, exception: Exception) -> HttpResponse:
    """Not for this visitor."""
    if is_api(request):
        return json_problem(request, 403, "permission_denied", "This is not allowed.")
    return error_page(request, 403, "")


def not_found(request: HttpRequest, exception: Exception) -> HttpResponse:
    """Not there, or not yours."""
    if is_api(request):
        return json_problem(request, 404, "not_found", "There is nothing here, or it is not yours.")
    return render(request, "404.html", status=404)


def server_error(request: HttpRequest) -> HttpResponse:
    """A fault of ours, with the id that support finds it by."""
    if is_api(request):
        return json_problem(request, 500, "server_error", "The fault is on our side and has been recorded.")
    reference = getattr(request, "request_id", "")
    return HttpResponse(loader.get_template("500.html").render({"reference": reference}), status=500)
