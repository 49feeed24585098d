"""What people are told: messages in the product, and what of them goes out by e-mail."""

from typing import TYPE_CHECKING, Self

from django.db import models
from django.db.models import F, Q

from accounts.models import Account, Seller, User
from koogallery.kernel import clock

if TYPE_CHECKING:
    from django_stubs_ext.db.models import TypedModelMeta
else:
    TypedModelMeta = object


class MessageQuerySet(models.QuerySet["Message"]):
    def for_user(self, user: User) -> Self:
        return self.filter(user=user)

    def unread(self) -> Self:
        return self.filter(read_at=None)

    def to_mail(self) -> Self:
        """Still to go out by e-mail."""
        return self.filter(wants_email=True, emailed_at=None)


class Message(models.Model):
    """One notice to one person, in the role in which it concerns him."""

    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="notices")
    account = models.ForeignKey(Account, null=True, on_delete=models.CASCADE, related_name="+")
    seller = models.ForeignKey(Seller, null=True, on_delete=models.CASCADE, related_name="+")
    event = models.CharField(max_length=60)
    # The outbox delivers at least once: the same event tells the same person once.
    cause = models.CharField(max_length=80)
    title = models.CharField(max_length=200)
    text = models.CharField(max_length=1000)
    url = models.CharField(max_length=300)
    at = models.DateTimeField(default=clock.now)
    read_at = models.DateTimeField(null=True)
    wants_email = models.BooleanField(default=False)
    emailed_at = models.DateTimeField(null=True)

    objects = MessageQuerySet.as_manager()

    class Meta(TypedModelMeta):
        indexes = [
            models.Index("user", F("at").desc(), F("id").desc(), name="message_user_newest"),
            models.Index("user", condition=Q(read_at=None), name="message_unread"),
            models.Index("cause", condition=Q(wants_email=True, emailed_at=None), name="message_to_mail"),
        ]
        constraints = [models.UniqueConstraint(fields=["user", "cause"], name="told_once")]

    def __str__(self) -> str:
        return self.title
