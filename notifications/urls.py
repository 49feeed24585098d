"""Addresses of messages."""

from django.urls import path

from notifications.views import messages

app_name = "notifications"

urlpatterns = [
    path("my/messages/", messages.message_list, name="messages"),
    path("my/messages/read/", messages.read, name="read_all"),
    path("my/messages/<int:pk>/read/", messages.read, name="read"),
]
